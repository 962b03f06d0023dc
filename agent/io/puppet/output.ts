import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeFileSync } from 'node:fs';
import { levelOf } from '../../core/run/puppet-line.ts';
import type { LogLevel, PuppetLine } from '../../ports.ts';
import { foldLines } from './fold-lines.ts';
import { hideKeys } from './hide-keys.ts';
import { lineSplitter } from './lines.ts';

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
  close(): void;
}

/**
 * Opens a run's output file and follows what is written to it. Neither it nor the lines that are passed on grow beyond
 * 4 MB; the last line then says so. A line beyond 8 kB is cut.
 */
export function followOutput(path: string, onLine: (line: PuppetLine) => void): Output {
  const fd = openSync(path, 'a+', 0o600);
  const reader = reading(fd, leveledLines(onLine));
  const following = follow(reader.look);
  return {
    path,
    fd,
    close() {
      try {
        following.end();
        reader.finish();
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Throws at its end what kept it from going on: until then a log that cannot be read must not end the agent. */
function follow(look: () => boolean): { end(): void } {
  let waitMs = SHORTEST_WAIT_MS;
  let failure: { readonly cause: unknown } | undefined;
  const lookAgain = (): void => {
    try {
      waitMs = look() ? SHORTEST_WAIT_MS : Math.min(2 * waitMs, LONGEST_WAIT_MS);
      timer = setTimeout(lookAgain, waitMs);
    } catch (cause) {
      failure = { cause };
    }
  };
  let timer = setTimeout(lookAgain, waitMs);
  return {
    end() {
      clearTimeout(timer);
      if (failure !== undefined) throw failure.cause;
    },
  };
}

interface Lines {
  push(bytes: Buffer): void;
  tick(): void;
  /** The last line may lack its end. */
  endLine(): void;
  end(): void;
}

/** A line that does not begin with a level of its own goes on with the message before it. */
function leveledLines(onLine: (line: PuppetLine) => void): Lines {
  let level: LogLevel = 'info';
  const folded = foldLines(onLine);
  const hidden = hideKeys();
  const lines = lineSplitter((text) => {
    level = levelOf(text) ?? level;
    folded.push({ level, text: hidden(text) });
  });
  return {
    push: lines.push,
    tick: folded.tick,
    endLine: lines.end,
    end: folded.end,
  };
}

function reading(fd: number, lines: Lines) {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  /** True when the file had grown. */
  const drain = (): boolean => {
    const { size } = fstatSync(fd);
    if (size <= position) return false;
    const end = Math.min(size, MAX_LOG_BYTES);
    while (position < end) {
      const length = Math.min(chunk.length, end - position);
      const bytesRead = readSync(fd, chunk, 0, length, position);
      if (bytesRead === 0) break; // somebody else has cut it
      position += bytesRead;
      lines.push(chunk.subarray(0, bytesRead));
    }
    // Nobody reads on: without this a Puppet that prints without end would fill the disk.
    if (size > MAX_LOG_BYTES) ftruncateSync(fd, MAX_LOG_BYTES);
    return true;
  };
  const look = (): boolean => {
    const hasGrown = drain();
    lines.tick();
    return hasGrown;
  };
  const finish = (): void => {
    drain(); // the last lines are written right before the end
    lines.endLine();
    if (position >= MAX_LOG_BYTES) {
      const notice = 'Warning: the rest of the output is left out: it was over 4 MB';
      writeFileSync(fd, `\n${notice}\n`);
      lines.push(Buffer.from(`${notice}\n`));
    }
    lines.end();
  };
  return { look, finish };
}
