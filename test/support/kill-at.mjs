import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded with `node --import` into a real agent. Ends it with SIGKILL right before the n-th call
 * that changes something outside the process (n is MM_KILL_AT), or before the first call whose name
 * and words match MM_KILL_BEFORE. JavaScript, because half of the start of an agent would be the
 * types: a killed process leaves no compile cache.
 */
const killAt = Number(process.env['MM_KILL_AT']);
const killBefore = process.env['MM_KILL_BEFORE'];
let steps = 0;

/**
 * @param {string} name
 * @param {readonly unknown[]} words
 */
function step(name, words) {
  steps += 1;
  // Arguments of a program are a list.
  const told = [name, ...words.flat().filter((word) => typeof word === 'string')].join(' ');
  const isWanted = killBefore !== undefined && new RegExp(killBefore).test(told);
  if (steps === killAt || isWanted) kill.call(process, process.pid, 'SIGKILL');
}

// The agent changes files by these functions.
for (const name of ['rename', 'symlink', 'rm', 'mkdir', 'writeFile']) {
  const original = fs[`${name}Sync`];
  Object.assign(fs, {
    [`${name}Sync`]: (...words) => {
      // Content that is written to an open file is not a path.
      step(name, typeof words[0] === 'string' ? words : []);
      return original(...words);
    },
  });
}
const { spawn } = childProcess;
Object.assign(childProcess, {
  spawn: (...words) => {
    step('spawn', words);
    return spawn(...words);
  },
});
const { kill } = process;
Object.assign(process, {
  kill: (...words) => {
    // Whether a process exists is asked by signal 0.
    if (words[1] !== 0) step(`kill ${words[1]}`, []);
    return kill.call(process, ...words);
  },
});
syncBuiltinESMExports();
