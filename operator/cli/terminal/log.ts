import { printableLines } from '../../../shared/clean-text.ts';
import { openLog } from '../../../shared/log/open-log.ts';
import { safeLine } from '../../../shared/log/safe-line.ts';

/** The messages of `mm` on stderr. The answer is on stdout. */
export interface OperatorLog {
  /** A message on one line. */
  notice(line: string): void;
  /** As `notice`, but never cut, and with nothing redacted. */
  show(line: string): void;
  /** Why the command failed; may have several lines. */
  failure(text: string): void;
  /** Sets the format of later messages. Until the configuration is read it is text. */
  setFormat(format: 'text' | 'json'): void;
}

const MAX_LINE = 2000;

/**
 * The log of mm on stderr. Text is for a person at a terminal, so it has no times and no event
 * names.
 */
export function operatorLog(env: NodeJS.ProcessEnv): OperatorLog {
  const open = (format: 'text' | 'json') =>
    openLog({ level: 'info', format, env, toText: ({ event }) => event, messageKey: 'message' });
  let log = open('text');
  let isJson = false;
  return {
    notice: (line) => log.info(`${isJson ? '' : 'mm: '}${safeLine(line, MAX_LINE)}`),
    show: (line) => log.info(printableLines(line)),
    failure(text) {
      const lines = text.trimEnd().split('\n');
      log.error(lines.map((line) => safeLine(line, MAX_LINE)).join('\n'));
    },
    setFormat(format) {
      log = open(format);
      isJson = format === 'json';
    },
  };
}
