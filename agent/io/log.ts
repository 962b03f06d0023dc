import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Log, LogFields, LogLevel } from '../ports.ts';

/** JSON lines for a service manager, one human line each for a terminal. Both on stderr: stdout is for answers. */
export function openLog(options: {
  readonly form: 'json' | 'human';
  readonly level: LogLevel;
  readonly fd?: number;
}): Log {
  const fd = options.fd ?? 2;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
    },
    { write: (line) => write(fd, options.form === 'json' ? line : `${humanLine(line)}\n`) },
  );
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void =>
      logger[level](fields, event);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A reader that went away (a closed terminal, a broken pipe) must not end a run. */
function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {}
}

interface LogLine {
  readonly level: LogLevel;
  readonly time: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

function humanLine(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line) as LogLine;
  // Puppet's own words, not ours around them.
  if (event === 'puppet.line') return String(fields['text']);
  const mark = level === 'warn' || level === 'error' ? `${level}: ` : '';
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [`${time.slice(11, 19)} ${mark}${event}`, ...rest].join('  ');
}
