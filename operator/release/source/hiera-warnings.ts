import { parse } from 'yaml';
import { pathInEnvironment } from '../../../bucket/documents/environment-conf.ts';
import { printable } from '../../../shared/clean-text.ts';
import { jsonObject } from '../../../shared/json.ts';
import { fileAt } from '../tree/file-at.ts';
import type { TreeEntry } from '../tree/tree.ts';

const HIERA = 'hiera.yaml';

/**
 * Warns about directories of data that hiera.yaml of the environment names outside of it, because
 * they are not in the release. A file that is not YAML gives no warning: a gate refuses it.
 */
export function hieraWarnings(entries: readonly TreeEntry[]): string[] {
  const entry = fileAt(entries, HIERA);
  if (entry === undefined) return [];
  return datadirsOf(entry.content.read().toString('utf8'))
    .filter((datadir) => pathInEnvironment(datadir) === undefined)
    .map((datadir) => {
      const own = ownDirectory(datadir, entries);
      const where = `${HIERA}: datadir ${printable(datadir, 200)} is outside of the environment`;
      return own === undefined
        ? `${where}: its files are not published, so each host needs them there`
        : `${where}, where no host looks for ${own}/ of a release: write datadir: ${own}`;
    });
}

/** On a Puppet server, `…/environments/%{environment}/data` is a directory of the environment. */
function ownDirectory(datadir: string, entries: readonly TreeEntry[]): string | undefined {
  const inside = /\/environments\/[^/]+\/(.+?)\/*$/.exec(datadir)?.[1];
  return entries.some(({ path }) => path.startsWith(`${inside}/`)) ? inside : undefined;
}

/** Of version 5 (`datadir`) and of version 3 (`:datadir`). */
function datadirsOf(text: string): string[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return [];
  }
  const found = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    for (const [key, inner] of Object.entries(Array.isArray(value) ? {} : jsonObject(value))) {
      if (/^:?datadir$/.test(key) && typeof inner === 'string') found.add(inner);
      else collect(inner);
    }
  };
  collect(document);
  return [...found];
}
