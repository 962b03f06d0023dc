import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeFileSync } from 'node:fs';
import { orUndefined } from '../../../../shared/files.ts';
import { levelOf } from '../../../core/run/puppet-line.ts';
import type { LogLevel, PuppetLine } from '../../../core/run/puppet-run.ts';
import { foldLines } from './fold-lines.ts';
import { hideKeys } from './hide-keys.ts';
import { splitLines } from './split-lines.ts';

/** The pause between two reads: while the file grows, and when it has not grown for a while. */
const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 500;
const CHUNK_BYTES = 64 * 1024;
export const MAX_OUTPUT_BYTES = 4 * 1024 ** 2;

/** The file that receives the output of a run, while its lines are passed to the log. */
export interface RunOutput {
  readonly path: string;
  readonly fd: number;
  /** Passes on the lines that are still unread, then closes the file. */
  close(): void;
}

/**
 * Opens the output file of a run and follows its growth. The file and the lines that are passed on
 * are limited to 4 MB; the last line then says so. A line beyond 8 kB is cut. Equal lines that
 * follow each other become one, and the lines of private keys are hidden.
 */
export function followOutput(path: string, onLine: (line: PuppetLine) => void): RunOutput {
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

/**
 * Reads the file repeatedly. An error stops that, and `end` throws it: an unreadable output must
 * not end the agent.
 */
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
  /** Passes on a last line that has no line feed. */
  endLine(): void;
  end(): void;
}

/** A line without a level continues the message before it and gets the same level. */
function leveledLines(onLine: (line: PuppetLine) => void): Lines {
  let level: LogLevel = 'info';
  const folded = foldLines(onLine);
  const hidden = hideKeys();
  const lines = splitLines((text) => {
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
  /** Returns true when the file has grown. */
  const drain = (): boolean => {
    const { size } = fstatSync(fd);
    if (size <= position) return false;
    const end = Math.min(size, MAX_OUTPUT_BYTES);
    while (position < end) {
      const length = Math.min(chunk.length, end - position);
      const bytesRead = readSync(fd, chunk, 0, length, position);
      if (bytesRead === 0) break; // another process has truncated the file
      position += bytesRead;
      lines.push(chunk.subarray(0, bytesRead));
    }
    // A Puppet that prints without end must not fill the disk.
    if (size > MAX_OUTPUT_BYTES) ftruncateSync(fd, MAX_OUTPUT_BYTES);
    return true;
  };
  const look = (): boolean => {
    const hasGrown = drain();
    lines.tick();
    return hasGrown;
  };
  const finish = (): void => {
    drain(); // Puppet writes its last lines right before it ends
    lines.endLine();
    if (position >= MAX_OUTPUT_BYTES) {
      const notice = 'Warning: the rest of the output is left out: it was over 4 MB';
      orUndefined(() => writeFileSync(fd, `\n${notice}\n`)); // the disk may be full by now
      lines.push(Buffer.from(`${notice}\n`));
    }
    lines.end();
  };
  return { look, finish };
}
