import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import { CodedError } from '../../../../shared/coded-error.ts';
import { shellWord } from '../../../../shared/shell-word.ts';
import { readHostFile } from './host-files.ts';

const KEY = 'run.environment_files';
const MAX_BYTES = 64 * 1024;
const LINE = /^(?:export\s+)?([A-Za-z_]\w*)=(?:"(.*)"|'(.*)'|([^"'].*|))$/;

/**
 * Reads files of secrets. A line is `NAME=value`; the value may be in quotes, and no variable in it
 * is replaced. Later files win. Throws FILE_UNSAFE for a file that other users can read. Throws
 * CONFIG_INVALID for any other line, with its number and without its text.
 */
export function readEnvironmentFiles(paths: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(paths.flatMap(readEnvironmentFile));
}

function readEnvironmentFile(path: string): (readonly [string, string])[] {
  const bytes = readHostFile(path, KEY, MAX_BYTES);
  requireSecret(path);
  // A secret with U+FFFD in it would be refused elsewhere, and nobody would know why.
  if (!isUtf8(bytes)) {
    throw new CodedError(`${path}: wanted text in UTF-8, found other bytes`, {
      code: 'CONFIG_INVALID',
      next: `file ${shellWord(path)}`,
    });
  }
  const lines = bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .split('\n');
  return lines.flatMap((found, index) => {
    const line = found.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [, name, double, single, plain] = LINE.exec(line) ?? [];
    const value = double ?? single ?? plain;
    if (name !== undefined && value !== undefined && !value.includes('\0')) return [[name, value]];
    throw new CodedError(`${path}:${index + 1}: wanted NAME=value, found something else`, {
      code: 'CONFIG_INVALID',
      next: `edit ${path}`,
    });
  });
}

/** Whether others can write the file is checked with the other files of the host. */
function requireSecret(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o077) === 0) return;
  const found = (mode & 0o7777).toString(8).padStart(4, '0');
  throw new CodedError(`${KEY}: ${path} can be read by others: wanted mode 0600, found ${found}`, {
    code: 'FILE_UNSAFE',
    next: `chmod 0600 ${shellWord(path)}`,
  });
}
