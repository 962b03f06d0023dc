import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, visit } from 'yaml';
import { printable } from '../../../shared/clean-text.ts';
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
/** That of all files of an overlay. */
const MAX_FILE_BYTES = 64 * 1024 ** 2;
/** Files and directories. An overlay has at most 1,000 files. */
const MOST_ENTRIES = 10_000;
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
  const sorted = [...new Set(values.flatMap(asPrinted))]
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
    ...filesBelow([...run.environment_files, ...sources]).flatMap(valuesIn),
  ];
}

/** The whole value, and each of its lines: Puppet's output is cleaned line by line. */
function asPrinted(value: string): string[] {
  const lines = value.split('\n').map((line) => printable(line, Number.POSITIVE_INFINITY));
  return [value, ...lines];
}

/** Each file once: links to directories may form circles. */
function filesBelow(paths: readonly string[]): string[] {
  const seen = new Set<string>();
  const files: string[] = [];
  const open = [...paths];
  for (let next = open.pop(); next !== undefined && seen.size < MOST_ENTRIES; next = open.pop()) {
    const path = orUndefined(() => realpathSync(next));
    if (path === undefined || seen.has(path)) continue;
    seen.add(path);
    if (!statSync(path).isDirectory()) files.push(path);
    else for (const name of orUndefined(() => readdirSync(path)) ?? []) open.push(join(path, name));
  }
  return files;
}

function valuesIn(path: string): string[] {
  const read = () => readStart(path, Math.min(statSync(path).size, MAX_FILE_BYTES)).toString();
  const text = orUndefined(read) ?? '';
  return [...wordsIn(text), ...scalarsIn(text)];
}

/**
 * The values of YAML and JSON as Puppet reads them, without quotes, escapes and comments. Other
 * text gives a few of its lines.
 */
function scalarsIn(text: string): string[] {
  const values: string[] = [];
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' } as const;
  const documents = orUndefined(() => parseAllDocuments(text, options)) ?? [];
  for (const document of documents) {
    visit(document, {
      Scalar(key, { value }) {
        if (key !== 'key' && typeof value === 'string') values.push(value);
      },
    });
  }
  return values;
}

/** Lines, the values of keys in them, and words that are no plain ones. */
function wordsIn(text: string): string[] {
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
