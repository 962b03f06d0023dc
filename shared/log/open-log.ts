import { pino, stdTimeFunctions } from 'pino';
import { withPriority } from './journal.ts';
import { hasColours, type LogReader, readerOf } from './reader.ts';
import { type LogFields, safeFields } from './safe-fields.ts';
import { writeLog } from './write-log.ts';

/*
 * The log of both programs. It may contain untrusted text, so safe-line.ts and safe-fields.ts clean
 * and bound each entry, and redact.ts hides credentials. reader.ts and journal.ts adapt the lines
 * to their reader.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A line of the log as pino made it: cleaned, bounded, without credentials. */
export interface LogEntry {
  readonly level: LogLevel;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly event: string;
  readonly fields: LogFields;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object per line for every reader. */
  readonly format: 'text' | 'json';
  readonly env: NodeJS.ProcessEnv;
  /** By default stderr: stdout is for answers. */
  readonly fd?: number;
  /** The JSON key of an entry's name, for example `event`. */
  readonly messageKey?: 'event' | 'message';
  /** One entry as text; may have more than one line. */
  toText(entry: LogEntry, style: TextStyle): string;
}

export interface TextStyle {
  readonly reader: LogReader;
  readonly colours: boolean;
}

type Write = (event: string, fields?: LogFields) => void;

/** The log of a program, by pino. Each call has written its line when it returns. */
export function openLog(options: LogOptions): Readonly<Record<LogLevel, Write>> {
  const { level, env, fd = 2, messageKey = 'event' } = options;
  const reader = readerOf(fd, env);
  const style = { reader, colours: hasColours(reader, env) };
  const logger = pino(
    {
      level,
      base: null,
      messageKey,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: safeFields },
    },
    { write: (json) => writeLog(fd, lines(json, options, style)) },
  );
  const at =
    (name: LogLevel): Write =>
    (event, fields = {}) =>
      logger[name](fields, event);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

type Parsed = Omit<LogEntry, 'fields'> & { readonly message?: string };

function lines(json: string, options: LogOptions, style: TextStyle): string {
  const { level, time, event, message, ...fields } = JSON.parse(json) as Parsed;
  const entry = { level, time, event: message ?? event, fields };
  const text = options.format === 'json' ? json.trimEnd() : options.toText(entry, style);
  return `${style.reader === 'journal' ? withPriority(text, level) : text}\n`;
}
