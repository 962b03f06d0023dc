import { posix } from 'node:path';
import type { FileEntry, TreeEntry } from './tree.ts';

const MAX_LINKS = 10;

/** The file at a path, also when a link of the same tree leads to it, as Puppet opens it. */
export function fileAt(entries: readonly TreeEntry[], path: string): FileEntry | undefined {
  let wanted = path;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const entry = entries.find((each) => each.path === wanted);
    if (entry?.kind !== 'link') return entry;
    wanted = posix.join(posix.dirname(entry.path), entry.target);
  }
  return undefined;
}

/** The text of that file. */
export function textAt(entries: readonly TreeEntry[], path: string): string | undefined {
  return fileAt(entries, path)?.content.read().toString('utf8');
}
