import { writeSync } from 'node:fs';
import type { Options } from '../options.ts';
import type { Log, LogFields, LogLevel } from '../ports.ts';

/** JSON lines for a service manager, one human line each for a terminal. Both on stderr: stdout is for answers. */
export function openLog(options: {
  readonly form: 'json' | 'human';
  readonly level: LogLevel;
  readonly fd?: number;
}): Log {
  const line = options.form === 'json' ? jsonLine : humanLine;
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(options.level)) return;
      write(options.fd ?? 2, `${line({ level, time: new Date().toISOString(), event, fields })}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** JSON lines for a service manager or on wish, words for a terminal or a pipe to one. */
export function logFor(
  { json, service, debug }: Pick<Options, 'json' | 'service' | 'debug'>,
  level: LogLevel,
): Log {
  return openLog({ form: json || service ? 'json' : 'human', level: debug ? 'debug' : level });
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

interface Entry {
  readonly level: LogLevel;
  readonly time: string;
  readonly event: string;
  readonly fields: LogFields;
}

function jsonLine({ level, time, event, fields }: Entry): string {
  return JSON.stringify({ level, time, ...fields, event });
}

function humanLine({ level, time, event, fields }: Entry): string {
  // Puppet's own words, not ours around them.
  if (event === 'puppet.line') return String(fields['text']);
  const mark = level === 'warn' || level === 'error' ? `${level}: ` : '';
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [`${time.slice(11, 19)} ${mark}${event}`, ...rest].join('  ');
}

/** A reader that went away (a closed terminal, a broken pipe) must not end a run. */
function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {}
}
