import type { Metadata, Targets } from '@tufjs/models';
import { removalsIn, soundBinaries } from './binaries.ts';

/** A change of one binary, as a file of the role of binaries states it. */
export interface BinaryChange {
  readonly action: 'put' | 'replace' | 'remove';
  readonly name: string;
  readonly sha256: string;
  /** Instant. */
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}

/** Who signed a change first. */
export interface SignedChange extends BinaryChange {
  readonly roleVersion: number;
  readonly keyIds: readonly string[];
}

/**
 * The newest changes of binaries, at most `limit`, newest first. Removals are known for as long as
 * the role states them. `older` are the earlier files of the role, newest first; they say when a
 * binary that is gone was put, and who signed what. They are read as far as they are needed.
 *
 * A publication that lost a race or was killed left a file that no host ever used. A change in such
 * a file counts only when the present file, or the removal of the same binary, confirms it.
 */
export async function binaryChanges(
  newest: Metadata<Targets>,
  older: AsyncIterable<Metadata<Targets>>,
  limit: number,
): Promise<SignedChange[]> {
  const found = new Map<string, SignedChange>();
  // A replacement is stated twice: what was put, and what was removed.
  for (const [id, change] of changesIn(newest).slice(0, 2 * limit)) found.set(id, change);
  const gone = new Set([...found.values()].filter(({ action }) => action === 'remove'));
  for await (const document of found.size > 0 ? older : []) {
    const stated = changesIn(document);
    const confirmed = stated.filter(([id]) => found.has(id));
    for (const [id, change] of confirmed) found.set(id, change);
    for (const removal of gone) {
      const put = stated.find(([, change]) => isPutOf(change, removal));
      if (put === undefined) continue;
      found.set(...put);
      gone.delete(removal);
    }
    if (confirmed.length === 0 && gone.size === 0) break;
  }
  return replacements([...found.values()])
    .sort(newestFirst)
    .slice(0, limit);
}

type Stated = readonly [id: string, change: SignedChange];

/** What one file states, newest first. */
function changesIn(document: Metadata<Targets>): Stated[] {
  const { signed, signatures } = document;
  const signers = { roleVersion: signed.version, keyIds: Object.keys(signatures) };
  const { binaries } = soundBinaries(document);
  const puts = binaries.map(({ name, sha256, custom: { at, by, reason } }) => {
    return { action: 'put', name, sha256, at, by, reason, ...signers } as const;
  });
  const removals = removalsIn(signed.toJSON()).map(({ name, sha256, at, by, reason = '' }) => {
    return { action: 'remove', name, sha256, at, by, reason, ...signers } as const;
  });
  return [...puts, ...removals].sort(newestFirst).map((change) => [idOf(change), change]);
}

function idOf({ action, name, sha256, at }: BinaryChange): string {
  return [action, name, sha256, at].join('\n');
}

function isPutOf(put: BinaryChange, removal: BinaryChange): boolean {
  const isSame = put.name === removal.name && put.sha256 === removal.sha256;
  return put.action === 'put' && isSame && Date.parse(put.at) <= Date.parse(removal.at);
}

/** One change for each: a put and the removal of the content before it become a replacement. */
function replacements(changes: readonly SignedChange[]): SignedChange[] {
  const others = (change: SignedChange, action: BinaryChange['action']) =>
    changes.some(
      (each) => each.action === action && each.name === change.name && each.at === change.at,
    );
  return changes
    .filter((change) => change.action !== 'remove' || !others(change, 'put'))
    .map((change) =>
      others(change, 'remove') && change.action === 'put'
        ? { ...change, action: 'replace' }
        : change,
    );
}

function newestFirst(a: BinaryChange, b: BinaryChange): number {
  return Date.parse(b.at) - Date.parse(a.at);
}
