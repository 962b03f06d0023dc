import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from './temporary-directory.ts';

/**
 * The completions of an interactive bash for these words, of which the first is the program. The
 * last word is incomplete.
 */
export async function offered(
  t: TestContext,
  script: string,
  ...words: string[]
): Promise<string[]> {
  const [path, program] = [join(await temporaryDirectory(t), 'completion.bash'), words[0]];
  await writeFile(path, script);
  const drive = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _${program}
    complete -p ${program} >&2; [ \${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const argv = ['--norc', '-u', '-c', drive, path, ...words];
  // Bash warns about a locale that is not installed here, such as that of a terminal elsewhere.
  const env = { ...process.env, LC_ALL: 'C' };
  const { stdout, stderr } = await promisify(execFile)('bash', argv, { env });
  assert.equal(stderr, `complete -F _${program} ${program}\n`);
  return stdout.split('\n').slice(0, -1);
}
