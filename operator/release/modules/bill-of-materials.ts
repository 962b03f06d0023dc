import { moduleOf } from '../tree/module-path.ts';
import type { ReleaseModule, TreeEntry } from '../tree/tree.ts';
import type { Checkout } from '../tree/tree-builder.ts';

/** Modules whose version or source is known, for `release.json`. */
export function billOfMaterials(
  entries: readonly TreeEntry[],
  checkouts: readonly Checkout[],
  moduleDirectories: readonly string[],
): ReleaseModule[] {
  const modules = new Map<string, ReleaseModule>();
  for (const { path, source, commit } of checkouts) {
    const place = moduleOf(path, moduleDirectories);
    // A repository inside a module is not a module itself.
    if (place === undefined || place.inside !== undefined) continue;
    const name = place.module;
    modules.set(name, { name, version: null, source: withoutCredentials(source), commit });
  }
  for (const entry of entries) {
    const place = moduleOf(entry.path, moduleDirectories);
    if (place?.inside !== 'metadata.json' || entry.kind === 'link') continue;
    const { module: name } = place;
    const known = modules.get(name) ?? { name, source: null, commit: null };
    modules.set(name, { ...known, version: versionIn(entry.content.read().toString('utf8')) });
  }
  return [...modules.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A release is readable by every host: a token in the URL must not be in it. */
function withoutCredentials(source: string | null): string | null {
  return source?.replace(/^(\w+:\/\/)[^/@]*@/, '$1') ?? null;
}

function versionIn(text: string): string | null {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'string' ? version.slice(0, 100) : null;
  } catch {
    return null;
  }
}
