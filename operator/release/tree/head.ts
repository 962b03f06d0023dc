import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { orUndefined, readNamed } from '../../../shared/files.ts';
import { MAX_OWN_BYTES } from '../../../shared/foreign-file.ts';

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * The commit that is checked out in a directory and where it was cloned from, read without starting
 * git. Null for what cannot be found, also when the directory is not a checkout.
 */
export function headOf(checkout: string): {
  readonly commit: string | null;
  readonly source: string | null;
} {
  const gitDirectory = gitDirectoryIn(checkout);
  if (gitDirectory === undefined) return { commit: null, source: null };
  const shared = read(join(gitDirectory, 'commondir'))?.trim();
  const common = shared === undefined ? gitDirectory : resolve(gitDirectory, shared);
  const head = read(join(gitDirectory, 'HEAD'))?.trim() ?? '';
  const name = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  const commit = name === undefined ? head : refIn(gitDirectory, common, name);
  return { commit: COMMIT.test(commit) ? commit : null, source: originIn(common) };
}

/** The git directory of a checkout: `.git` itself, or what the file of that name points to. */
export function gitDirectoryIn(checkout: string): string | undefined {
  const path = join(checkout, '.git');
  if (!existsSync(path)) return undefined;
  if (statSync(path).isDirectory()) return path;
  const target = /^gitdir: (.+?)\s*$/.exec(read(path) ?? '')?.[1];
  return target === undefined ? undefined : resolve(dirname(path), target);
}

function refIn(gitDirectory: string, common: string, name: string): string {
  if (name.split('/').includes('..')) return '';
  const loose = read(join(gitDirectory, name)) ?? read(join(common, name));
  if (loose !== undefined) return loose.trim();
  const packed = read(join(common, 'packed-refs')) ?? '';
  const line = packed.split('\n').find((each) => each.endsWith(` ${name}`));
  return line?.split(' ')[0] ?? '';
}

function originIn(common: string): string | null {
  const config = read(join(common, 'config')) ?? '';
  const origin = /^\s*\[remote "origin"\]([^[]*)/m.exec(config)?.[1] ?? '';
  return /^\s*url\s*=\s*(.*?)\s*$/m.exec(origin)?.[1] ?? null;
}

function read(path: string): string | undefined {
  return orUndefined(() => readNamed(path, MAX_OWN_BYTES).toString());
}
