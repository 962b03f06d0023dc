import { writeSync } from 'node:fs';

const RETRY_MS = 10;
const MAX_RETRIES = 500;

/**
 * Writes the whole text before it returns, so that nothing is lost when the process ends. Gives up
 * without an error when the reader has closed the pipe, the disk is full, or the pipe stays full
 * for 5 s: a log must not end a run.
 */
export function writeLog(fd: number, text: string): void {
  let rest = Buffer.from(text);
  for (let retries = 0; rest.length > 0 && retries < MAX_RETRIES; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      // EAGAIN: another process has set the pipe to non-blocking, and it is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      retries += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
