import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from './temporary-directory.ts';

/** A sleep(1) for scripts that ends when the test says so. */
export interface SteppedSleep {
  /** A search path on which it comes first. */
  readonly path: string;
  /** Waits for a sleep, and ends it. */
  tick(): Promise<void>;
}

/** The test has both ends of its pipes open, so that nobody waits for the other side to open. */
export async function steppedSleep(t: TestContext): Promise<SteppedSleep> {
  const root = await temporaryDirectory(t);
  const [bin, begun, end] = [join(root, 'bin'), join(root, 'begun'), join(root, 'end')];
  execFileSync('mkfifo', [begun, end]);
  const begins = new Socket({ fd: openSync(begun, constants.O_RDWR | constants.O_NONBLOCK) });
  const ends = openSync(end, 'r+');
  t.after(() => {
    begins.destroy();
    closeSync(ends); // one that still sleeps reads the end of the file
  });
  await mkdir(bin);
  const script = `#!/bin/sh\nexec 2>/dev/null\necho begun >'${begun}'\nread -r line <'${end}'\n`;
  await writeFile(join(bin, 'sleep'), script, { mode: 0o755 });
  const sleeps = createInterface(begins)[Symbol.asyncIterator]();
  return {
    path: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    async tick() {
      // After the test, the pipe is closed.
      if ((await sleeps.next()).done !== true) writeSync(ends, '\n');
    },
  };
}
