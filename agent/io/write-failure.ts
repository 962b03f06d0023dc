import { CodedError } from '../../shared/coded-error.ts';
import { isJournal, withPriority } from '../../shared/log/journal.ts';
import { safeLine } from '../../shared/log/safe-line.ts';
import { writeLog } from '../../shared/log/write-log.ts';

const MAX_LINES = 100;
const MAX_LINE = 2000;

/**
 * Says on stderr why the program ends. Without pino, because a program that cannot load its parts
 * must report that, too.
 */
export function writeFailure(error: unknown, env: NodeJS.ProcessEnv): void {
  const text = linesOf(error)
    .slice(0, MAX_LINES)
    .map((line) => safeLine(line, MAX_LINE))
    .join('\n');
  writeLog(2, `${isJournal(2, env) ? withPriority(text, 'error') : text}\n`);
}

function linesOf(error: unknown): readonly string[] {
  if (!(error instanceof CodedError)) {
    const stack = error instanceof Error ? error.stack : String(error);
    return `mm-agent: ${stack}`.split('\n');
  }
  const next = error.next === undefined ? [] : [`next: ${error.next}`];
  // Indented, so that no line of foreign text looks like one of ours.
  return [...`mm-agent: ${error.message.replaceAll('\n', '\n    ')}`.split('\n'), ...next];
}
