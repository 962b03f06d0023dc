import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The library of test/fixtures/ruby/program.rb. */
const LIBRARY: Readonly<Record<string, string | Buffer>> = {
  'plain.rb': Buffer.from(
    `# encoding: iso-8859-1
require_relative 'beside'
module Plain
  LATIN = 'caf\u{e9}'
  def self.literal
    'literal'
  end

  def self.latin
    LATIN
  end

  def self.relative
    Beside
  end

  def self.place
    [__FILE__, __dir__, __method__, __LINE__, File.realpath(__FILE__)]
  end

  def self.fail
    [1].each do
      raise 'failed'
    end
  end
end
`,
    'latin1',
  ),
  'frozen.rb': `# frozen_string_literal: true
module Frozen
  def self.literal
    'literal'
  end
end
`,
  'beside.rb': 'Beside = __FILE__\n',
  'twice.rb': '$twice = ($twice || 0) + 1\nputs "twice: #{$twice}"\n',
  'autoloaded.rb': '$autoloaded = ($autoloaded || 0) + 1\n',
  'broken.rb': 'def broken\n  (\nend\n',
  'warns.rb': "WARNS = { a: 1,\n  a: 2 }\nputs 'warned'\n",
};

/** Writes the library; nothing of it is kept compiled before it is 3 s old. */
export async function writeRubyLibrary(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(LIBRARY)) await writeFile(join(directory, name), text);
}

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAM = join(import.meta.dirname, '../fixtures/ruby/program.rb');

/**
 * Runs program.rb by the system's Ruby with those options, through a shell's text if there is one
 * before `exec`.
 */
export async function runRuby(
  library: string,
  options: readonly string[],
  shell = '',
): Promise<Ended> {
  const words = ['/usr/bin/ruby', ...options, PROGRAM];
  const started = promisify(execFile)('/bin/sh', ['-c', `${shell} exec "$@"`, 'sh', ...words], {
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/', LIB: library },
    maxBuffer: 2 ** 24,
  });
  return await started.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );
}
