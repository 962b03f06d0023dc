import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { orUndefined } from '../../shared/files.ts';
import { type Program, rubyScript } from '../../shared/program/ruby-script.ts';

/** The Puppet of this machine and the Ruby that it runs on. */
export interface PuppetRuby {
  /** The program `puppet`. */
  readonly puppet: string;
  /** Ruby itself, with arguments that come before the script. */
  readonly ruby: Program;
  /** Changes when another version of Puppet or Ruby is installed. */
  readonly fingerprint: string;
}

/** Where the packages of Puppet and OpenVox install it. */
const PACKAGED = '/opt/puppetlabs/bin';

/**
 * Finds the Puppet of this machine. Undefined when none is installed, or when its Ruby cannot be
 * found.
 */
export function findPuppet(
  env: Readonly<NodeJS.ProcessEnv>,
  packaged: string = PACKAGED,
): PuppetRuby | undefined {
  const searched = (env['PATH'] ?? '').split(delimiter).filter((path) => path.startsWith('/'));
  for (const directory of [packaged, ...searched]) {
    const puppet = join(directory, 'puppet');
    const ruby = isFile(puppet) ? rubyOf(puppet) : undefined;
    if (ruby === undefined) continue;
    const programs = [puppet, ruby.path, ...searched.map((path) => join(path, 'ruby'))];
    return { puppet, ruby, fingerprint: fingerprintOf(programs) };
  }
  return undefined;
}

/** Version managers such as rbenv install shell scripts as `puppet` and, beside it, as `ruby`. */
function rubyOf(puppet: string): Program | undefined {
  const program = orUndefined(() => rubyScript(puppet, []));
  if (program !== undefined) return { ...program, arguments: program.arguments.slice(0, -1) };
  const beside = join(dirname(puppet), 'ruby');
  return isFile(beside) ? { path: beside, arguments: [] } : undefined;
}

function fingerprintOf(programs: readonly string[]): string {
  const found = [...new Set(programs)].filter(isFile).map((path) => {
    const { size, mtimeMs, ctimeMs } = statSync(path);
    return [path, realpathSync(path), size, mtimeMs, ctimeMs];
  });
  return createHash('sha256').update(JSON.stringify(found)).digest('hex');
}

function isFile(path: string): boolean {
  return orUndefined(() => statSync(path).isFile()) ?? false;
}
