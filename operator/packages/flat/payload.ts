/** A file or an empty directory of a package, owned by root. */
export interface Item {
  /** Where it goes, without the leading slash: `usr/local/x`. */
  readonly path: string;
  /** Permissions. */
  readonly mode: number;
  /** Undefined for a directory. */
  readonly content?: Uint8Array;
}

export const IS_FILE = 0o100000;
export const IS_DIRECTORY = 0o040000;
const DIRECTORY_MODE = 0o755;

/** The items with the directories above them, in order: a directory comes before its files. */
export function withDirectories(items: readonly Item[]): Item[] {
  const byPath = new Map<string, Item>();
  for (const { path } of items) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const above = names.slice(0, depth).join('/');
      byPath.set(above, { path: above, mode: DIRECTORY_MODE });
    }
  }
  for (const item of items) byPath.set(item.path, item);
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `.`, `./usr`, `./usr/local`. */
export function rooted(items: readonly Item[]): Item[] {
  const root = { path: '.', mode: DIRECTORY_MODE };
  return [root, ...items.map((item) => ({ ...item, path: `./${item.path}` }))];
}
