import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenFile, open } from '../../bucket/files.ts';
import { levelOf } from '../core/puppet-line.ts';
import type { LogLevel, PuppetLine } from '../ports.ts';
import { lineSplitter } from './puppet-lines.ts';

/** How often the file is looked at: while it grows, and when it has not for a while. */
const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 500;
const CHUNK_BYTES = 64 * 1024;
export const MAX_LOG_BYTES = 4 * 1024 ** 2;

/** The file that takes a run's output, and its lines on their way to the agent's log. */
export interface Output {
  readonly path: string;
  readonly fd: number;
  /** Passes on what is still unread and closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a run's output file and follows what is written to it. Neither it nor the lines that are passed on grow beyond
 * 4 MB; the last line then says so. A line beyond 8 kB is cut.
 */
export async function followOutput(
  path: string,
  onLine: (line: PuppetLine) => void,
): Promise<Output> {
  const file = await open(path, 'a+', 0o600);
  const lines = leveledLines(onLine);
  const reader = reading(file, lines);
  const closing = new AbortController();
  const following = follow(reader.drain, closing.signal);
  // Whoever closes hears of it; until then a log that cannot be read must not end the agent.
  following.catch(() => undefined);
  return {
    path,
    fd: file.fd,
    close: async () => {
      closing.abort();
      try {
        await following;
        await reader.finish();
      } finally {
        await file.close();
      }
    },
  };
}

/** Once more after the end: the last lines are written right before it. */
async function follow(drain: () => Promise<boolean>, closing: AbortSignal): Promise<void> {
  let waitMs = SHORTEST_WAIT_MS;
  while (!closing.aborted) {
    waitMs = (await drain()) ? SHORTEST_WAIT_MS : Math.min(2 * waitMs, LONGEST_WAIT_MS);
    await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined);
  }
  await drain();
}

interface Lines {
  push(bytes: Buffer): void;
  end(): void;
}

/** A line that does not begin with a level of its own goes on with the message before it. */
function leveledLines(onLine: (line: PuppetLine) => void): Lines {
  let level: LogLevel = 'info';
  return lineSplitter((text) => {
    level = levelOf(text) ?? level;
    onLine({ level, text });
  });
}

function reading(file: OpenFile, lines: Lines) {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  /** True when the file had grown. */
  const drain = async () => {
    const { size } = await file.stat();
    if (size <= position) return false;
    const end = Math.min(size, MAX_LOG_BYTES);
    while (position < end) {
      const length = Math.min(chunk.length, end - position);
      const bytesRead = await file.read(chunk, 0, length, position);
      if (bytesRead === 0) break; // somebody else has cut it
      position += bytesRead;
      lines.push(chunk.subarray(0, bytesRead));
    }
    // Nobody reads on: without this a Puppet that prints without end would fill the disk.
    if (size > MAX_LOG_BYTES) await file.truncate(MAX_LOG_BYTES);
    return true;
  };
  const finish = async () => {
    lines.end();
    if (position < MAX_LOG_BYTES) return;
    const notice = 'Warning: the rest of the output is left out: it was over 4 MB';
    await file.write(`\n${notice}\n`);
    lines.push(Buffer.from(`${notice}\n`));
  };
  return { drain, finish };
}
