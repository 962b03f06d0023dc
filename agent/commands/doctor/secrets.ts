import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { orUndefined, readStart } from '../../../shared/files.ts';
import { isSecretName, redact } from '../../../shared/log/redact.ts';
import type { Config } from '../../config/config.ts';

/*
 * The bundle leaves the host. What Puppet printed and what a person wrote may repeat a secret of
 * this host, so the values themselves are looked for, beside what looks like a credential.
 */

const HIDDEN = '[hidden]';
/** A shorter value is no secret, and would hide parts of other words. */
const SHORTEST = 4;
const MAX_FILE_BYTES = 1024 ** 2;
const MOST_FILES = 1000;
const MOST_VALUES = 50_000;
/** A larger expression would be slow to compile. */
const VALUES_PER_PATTERN = 2000;

/** Returns a function that hides the secrets of this host, and credentials, in a text. */
export function secretHider(
  config: Config | undefined,
  env: NodeJS.ProcessEnv,
): (text: string) => string {
  const values = [...ofVariables(env), ...(config === undefined ? [] : ofConfig(config))];
  // The longest first: a value may begin with another one.
  const sorted = [...new Set(values)]
    .filter((value) => value.length >= SHORTEST)
    .sort((a, b) => b.length - a.length)
    .slice(0, MOST_VALUES);
  const patterns: RegExp[] = [];
  for (let at = 0; at < sorted.length; at += VALUES_PER_PATTERN) {
    const part = sorted.slice(at, at + VALUES_PER_PATTERN);
    patterns.push(new RegExp(part.map(escaped).join('|'), 'g'));
  }
  return (text) => redact(patterns.reduce((rest, each) => rest.replace(each, HIDDEN), text));
}

function ofVariables(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(env).flatMap(([name, value = '']) => (isSecretName(name) ? [value] : []));
}

function ofConfig({ run, overlay = {} }: Config): string[] {
  const sources = Object.values(overlay).map((source) =>
    typeof source === 'string' ? source : source.template,
  );
  return [
    ...Object.values(run.environment ?? {}),
    ...[...run.environment_files, ...sources]
      .flatMap(filesBelow)
      .slice(0, MOST_FILES)
      .flatMap(valuesIn),
  ];
}

function filesBelow(path: string): string[] {
  if (orUndefined(() => statSync(path).isDirectory()) !== true) return [path];
  const names = orUndefined(() => readdirSync(path)) ?? [];
  return names.slice(0, MOST_FILES).flatMap((name) => filesBelow(join(path, name)));
}

/** Lines, the values of keys in them, and words that are no plain ones. */
function valuesIn(path: string): string[] {
  const text = orUndefined(() => readStart(path, MAX_FILE_BYTES).toString()) ?? '';
  return text.split('\n').flatMap((line) => {
    const whole = unquoted(line.replace(/^\s*(?:-\s+|export\s+)?/, ''));
    const value = /^[^:=]{1,200}[:=]\s*(.*)$/.exec(whole)?.[1] ?? '';
    const words = line.split(/[\s'",;[\]{}()]+/).filter((word) => /[^a-z_:.]/.test(word));
    return [whole, unquoted(value), ...words.filter((word) => word.length > SHORTEST)];
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/.exec(text.trim())?.[2] ?? text.trim();
}
