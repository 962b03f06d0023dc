import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded with `node --import` into a real agent: ends it by SIGKILL right before its n-th step that changes something
 * outside the process, n from MM_KILL_AT. With 0 it only notes the steps in MM_KILL_NOTES.
 */
const killAt = Number(process.env['MM_KILL_AT']);
const notes = process.env['MM_KILL_NOTES'];
let steps = 0;

function step(name: string): void {
  steps += 1;
  if (notes !== undefined) appendFileSync(notes, `${name}\n`);
  if (steps === killAt) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['rename', 'symlink', 'rm', 'mkdir', 'writeFile'] as const) {
  const original = fs[name] as (...words: unknown[]) => Promise<unknown>;
  Object.assign(fs, {
    [name]: (...words: unknown[]) => {
      step(name);
      return original(...words);
    },
  });
}
const { spawn } = childProcess;
Object.assign(childProcess, {
  spawn: (...words: Parameters<typeof spawn>) => {
    step('spawn');
    return spawn(...words);
  },
});
syncBuiltinESMExports();
