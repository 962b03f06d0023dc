import { fstatSync } from 'node:fs';
import { isJournal } from './journal.ts';

/** The reader of the log. A pipe counts as a file. */
export type LogReader = 'terminal' | 'journal' | 'file';

/** Determines the reader of a log on this descriptor. `env` says whether it is the journal. */
export function readerOf(fd: number, env: NodeJS.ProcessEnv): LogReader {
  if (isJournal(fd, env)) return 'journal';
  return isTerminal(fd) ? 'terminal' : 'file';
}

/** A terminal is a character device. Node's module for them loads sockets, so it is asked last. */
function isTerminal(fd: number): boolean {
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** https://no-color.org, and FORCE_COLOR as Node reads it, which wins. */
export function hasColours(reader: LogReader, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: terminal } = env;
  if (force !== undefined) return reader !== 'journal' && force !== '0' && force !== 'false';
  return reader === 'terminal' && !no && terminal !== 'dumb';
}
