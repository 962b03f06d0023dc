import { posix } from 'node:path';
import { leavesRelease } from '../../../bucket/documents/tree-rules.ts';
import { type FileEntry, LIMITS, type TreeEntry } from './tree.ts';

/** How many links may lead through each other. */
const MAX_DEPTH = 5;

/**
 * The files of a tree, and those that Puppet finds behind its links to files and directories, each
 * under the path by which Puppet opens it. Links that leave the tree are not followed.
 */
export function withLinked(entries: readonly TreeEntry[]): readonly FileEntry[] {
  const found = [...entries];
  let links = entries.filter(isLink);
  for (let depth = 0; depth < MAX_DEPTH && links.length > 0; depth += 1) {
    const behind = links.flatMap((link) => behindLink(link, entries));
    if (found.length + behind.length > LIMITS.entries) break;
    found.push(...behind);
    links = behind.filter(isLink);
  }
  return found.filter((entry): entry is FileEntry => entry.kind === 'file');
}

type Link = Extract<TreeEntry, { kind: 'link' }>;

function isLink(entry: TreeEntry): entry is Link {
  return entry.kind === 'link';
}

/** The entry or the directory that a link leads to, at the path of the link. */
function behindLink({ path, target }: Link, entries: readonly TreeEntry[]): TreeEntry[] {
  if (leavesRelease(path, target)) return [];
  const place = posix.join(posix.dirname(path), target).replace(/\/$/, '');
  // A link to a directory that contains it would never end.
  if (place === '.' || path.startsWith(`${place}/`)) return [];
  return entries.flatMap((entry): TreeEntry[] => {
    if (entry.path !== place && !entry.path.startsWith(`${place}/`)) return [];
    const moved = { ...entry, path: path + entry.path.slice(place.length) };
    if (moved.kind === 'file') return [moved];
    // The target stays the same, and is written relative to the new path.
    const inside = posix.join(posix.dirname(entry.path), moved.target);
    const isInside = !leavesRelease(entry.path, moved.target);
    return isInside
      ? [{ ...moved, target: posix.relative(posix.dirname(moved.path), inside) }]
      : [];
  });
}
