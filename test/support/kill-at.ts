import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded with `node --import` into a real agent. Ends it with SIGKILL right before the n-th call
 * that changes something outside the process (n is MM_KILL_AT), or before the first call whose name
 * and paths match MM_KILL_BEFORE.
 */
const killAt = Number(process.env['MM_KILL_AT']);
const killBefore = process.env['MM_KILL_BEFORE'];
let steps = 0;

function step(name: string, words: readonly unknown[]): void {
  steps += 1;
  const told = [name, ...words.filter((word) => typeof word === 'string')].join(' ');
  const isWanted = killBefore !== undefined && new RegExp(killBefore).test(told);
  if (steps === killAt || isWanted) process.kill(process.pid, 'SIGKILL');
}

// The agent changes files by these functions.
for (const name of ['rename', 'symlink', 'rm', 'mkdir', 'writeFile'] as const) {
  const original = fs[`${name}Sync`] as (...words: unknown[]) => unknown;
  Object.assign(fs, {
    [`${name}Sync`]: (...words: unknown[]) => {
      // Content that is written to an open file is not a path.
      step(name, typeof words[0] === 'string' ? words : []);
      return original(...words);
    },
  });
}
const { spawn } = childProcess;
Object.assign(childProcess, {
  spawn: (...words: Parameters<typeof spawn>) => {
    step('spawn', words);
    return spawn(...words);
  },
});
syncBuiltinESMExports();
