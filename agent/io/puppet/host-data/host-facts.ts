import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../../shared/coded-error.ts';
import { isFileError, orUndefined } from '../../../../shared/files.ts';
import { requireOwn } from '../../../../shared/owned-path.ts';
import { RESERVED_FACTS } from '../../../config/puppet-settings.ts';
import type { HostData } from './host-data.ts';
import { readHostFile } from './host-files.ts';

/** The source of the value of a fact. Ruby reads it during the run (host_facts.rb). */
export type FactSource =
  | { readonly value: unknown }
  | { readonly text: string }
  | { readonly program: string };

const MAX_BYTES = 64 * 1024;
const MAX_ENTRIES = 1000;

/**
 * Returns the facts of this host by name. When several sources have the same name, the last one is
 * used: `facts.set`, `facts.files`, programs, knobs. Programs are started later, as a part of
 * Puppet, because the agent itself is in a sandbox. Throws FILE_UNSAFE for a file that another user
 * could change.
 */
export function hostFacts({ facts }: HostData): Readonly<Record<string, FactSource>> {
  const { set, files, knobs, knobScripts } = facts;
  return {
    ...mapped(set, (value) => ({ value })),
    ...mapped(files, (path) => ({ text: requireText(path) })),
    ...inDirectory(knobScripts, 'facts.knob_scripts', (program) => ({ program })),
    ...inDirectory(knobs, 'facts.knobs', (path) => ({ text: textOf(path, 'facts.knobs') })),
  };
}

function mapped<T>(
  record: Readonly<Record<string, T>>,
  source: (value: T) => FactSource,
): Record<string, FactSource> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, source(value)]));
}

/** An empty file is refused: the role of a host must not become `true`. */
function requireText(path: string): string {
  const text = textOf(path, 'facts.files');
  if (/^\s*[^#\s]/m.test(text)) return text;
  throw new CodedError(`facts.files: ${path} has no value`, {
    code: 'FILES_MISSING',
    next: `write the value into ${path}`,
  });
}

function textOf(path: string, key: string): string {
  return readHostFile(path, key, MAX_BYTES).toString();
}

/** As in run-parts, names with a dot are ignored, so that the copies of an editor are not facts. */
const NAME = /^\w[\w-]{0,99}$/;

function inDirectory(
  directory: string | undefined,
  key: string,
  source: (path: string) => FactSource,
): Record<string, FactSource> {
  if (directory === undefined) return {};
  const files = namesIn(directory, key)
    .filter((name) => NAME.test(name) && isFile(join(directory, name)))
    .sort()
    .slice(0, MAX_ENTRIES);
  return Object.fromEntries(
    files.map((name) => {
      const path = join(directory, name);
      // Also checks each directory above the file.
      requireOwn(path, `${key}:`);
      if (RESERVED_FACTS.has(name.toLowerCase())) throw reserved(path, key);
      // The names of facts are in lower case for Facter.
      return [name.toLowerCase(), source(path)];
    }),
  );
}

function reserved(path: string, key: string): CodedError {
  return new CodedError(`${key}: ${path} has a name that Puppet reserves for itself`, {
    code: 'CONFIG_INVALID',
    next: `rename ${path}`,
  });
}

/** A directory that does not exist has no facts. */
function namesIn(directory: string, key: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if (isFileError(cause, 'ENOENT')) return [];
    throw new CodedError(`${key}: cannot read ${directory}: ${(cause as Error).message}`, {
      code: 'CONFIG_INVALID',
      cause,
      next: `correct ${key} in agent.yaml`,
    });
  }
}

/** True for a file, or a link to one. A directory and a broken link are ignored. */
function isFile(path: string): boolean {
  return orUndefined(() => statSync(path))?.isFile() === true;
}
