import { spawn } from 'node:child_process';
import type { StateChange } from '../../fleet/state-changes.ts';

/** What a command of `--on-change` reads from stdin, as one line of JSON. */
export interface ChangeDocument {
  readonly schemaVersion: 1;
  readonly bucket: string;
  readonly tree: string;
  readonly at: string;
  /** At most 1,000. */
  readonly changes: readonly StateChange[];
  /** How many there are. */
  readonly total: number;
}

const LIMIT_MS = 30_000;

/**
 * Runs a command of the user's shell with a document on stdin. Returns what went wrong, or
 * undefined. It never throws: a watch goes on without its receiver.
 */
export async function runOnChange(
  command: string,
  document: ChangeDocument,
  { cwd, env, limitMs = LIMIT_MS }: Place,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  // A group of its own, so that the time limit also ends what the shell has started. What it
  // prints goes to stderr: stdout has the answer of mm.
  const options = { cwd, env: { ...env }, detached: true } as const;
  const child = spawn('/bin/sh', ['-c', command], { ...options, stdio: ['pipe', 2, 2] });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endGroup(child.pid);
  }, limitMs);
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => {
    if (isLate) resolve(`it was ended after ${limitMs / 1000} s`);
    else resolve(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`);
  });
  // It need not read its stdin.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(`${JSON.stringify(document)}\n`);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended at this very moment.
  }
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly limitMs?: number;
}
