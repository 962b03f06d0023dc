import { printableLines } from '../../shared/clean-text.ts';
import { openLog } from '../../shared/log/open-log.ts';
import { safeLine } from '../../shared/log/safe-line.ts';

/** What `mm` says on stderr, beside the answer on stdout. */
export interface OperatorLog {
  /** Something worth knowing, on one line. */
  notice(line: string): void;
  /** As `notice`, but never cut, and with nothing redacted. */
  show(line: string): void;
  /** Why the command failed; may have several lines. */
  failure(text: string): void;
  /** From here on; before the configuration was read it is text. */
  setFormat(format: 'text' | 'json'): void;
}

const MAX_LINE = 2000;

/** The log of mm on stderr. As text it is for a person at a terminal: no times, no events. */
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
