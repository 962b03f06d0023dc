import { styleText } from 'node:util';
import { type LogEntry, openLog, type TextStyle } from '../../shared/log/open-log.ts';
import type { Config } from '../config/config.ts';
import type { Options } from '../options.ts';
import type { Log } from '../ports.ts';

/** The agent's log on stderr. `--debug` and `--json` win over the configuration. */
export function agentLog(
  { json, debug }: Pick<Options, 'json' | 'debug'>,
  { level, format }: Config['log'],
  env: NodeJS.ProcessEnv,
): Log {
  return openLog({
    level: debug ? 'debug' : level,
    format: json ? 'json' : format,
    env,
    toText: textOf,
  });
}

/**
 * `12:00:00 warn: poll.failed  code=S3_UNREACHABLE  error=...`. The journal has its own time; a
 * file needs the date. A line of Puppet stays as Puppet printed it.
 */
export function textOf({ level, time, event, fields }: LogEntry, style: TextStyle): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    style.colours ? styleText(format, text, { validateStream: false }) : text;
  const colour = COLOURS[level];
  if (event === 'puppet.line') {
    const text = String(fields['text']);
    return (style.reader === 'file' ? `${time} ` : '') + (colour ? paint(colour, text) : text);
  }
  const when = { terminal: `${time.slice(11, 19)} `, file: `${time} `, journal: '' }[style.reader];
  const mark = colour ? paint(colour, `${level}: `) : '';
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${paint('dim', `${name}=`)}${valueText(value)}`);
  return `${paint('dim', when)}${mark}${[event, ...rest].join('  ')}`;
}

const COLOURS = { debug: undefined, info: undefined, warn: 'yellow', error: 'red' } as const;

/** Two spaces separate fields, so text of others must not contain them. */
function valueText(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(/ {2,}/g, ' ');
}
