import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

const PROGRAM = join(import.meta.dirname, '../fixtures/release-steps.ts');

export interface StepsChild {
  /** What it says, line by line. */
  readonly lines: AsyncIterator<string>;
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<unknown>;
}

/** Starts `fixtures/release-steps.ts`; it does not outlive the test. */
export function startStep(t: TestContext, args: readonly string[]): StepsChild {
  return watch(t, spawn(process.execPath, [PROGRAM, ...args], STDIO));
}

/** The same, where a file may not become larger than so many blocks of 512 bytes. */
export function startLimitedStep(t: TestContext, blocks: number, args: string[]): StepsChild {
  const script = 'ulimit -f "$0"; exec "$@"';
  const command = [process.execPath, PROGRAM, ...args];
  return watch(t, spawn('/bin/sh', ['-c', script, String(blocks), ...command], STDIO));
}

const STDIO: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] };

function watch(t: TestContext, child: ChildProcess): StepsChild {
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  return { lines, kill, ended };
}
