import type { Metadata, MetaFile, Snapshot, Targets } from '@tufjs/models';
import { roleFile } from '../../../trust/metadata/role-names.ts';
import { unreadableRole } from '../../../trust/metadata/unreadable-role.ts';
import { isVersion } from '../../../trust/metadata/version-limits.ts';
import { identifyMetadata, namesRole, refusalOf } from '../../../trust/workflow/inspect.ts';
import { type Delegator, isTopLevel, verifies } from '../../metadata/delegation.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import type { RepositoryOptions } from '../repository.ts';
import { listFiles, readFile } from '../stored-files.ts';

/** What a recovery looks for the roles in. */
export interface Search {
  readonly options: RepositoryOptions;
  readonly kept: ReadonlyMap<string, Buffer>;
  /** Roles whose file named them before. */
  readonly named: ReadonlySet<string>;
  readonly snapshot: Metadata<Snapshot> | undefined;
  /** File names in the bucket, listed at the first use. */
  listed: readonly string[] | undefined;
}

interface Found {
  readonly document: Metadata<Targets>;
  readonly bytes: Buffer;
}

/** Undefined for other bytes than those of the role, or than those of the version, if given. */
type Read = (bytes: Buffer | undefined, version?: number) => Found | undefined;

interface Newest {
  /** Undefined when no file of the role verifies. */
  readonly found: Found | undefined;
  /**
   * The file that the snapshot names, when what was found is less. Without a version: the snapshot
   * lists no file of the role. A thief of an online key left it out, or who has a key of the role
   * added what was found.
   */
  readonly missing: string | undefined;
}

/**
 * The newest file of a role: the one that the snapshot names, or a newer one that this machine has
 * verified before. Without either, the newest in the bucket that its keys signed.
 */
export async function newestOf(
  search: Search,
  role: string,
  delegators: readonly Delegator[],
): Promise<Newest> {
  const { options, kept, named, snapshot } = search;
  // A thief of an online key can name an older file under the name of a newer one.
  const read: Read = (bytes, version) => {
    if (bytes === undefined || !isOfRole(bytes, role, options)) return undefined;
    if (named.has(role) && !namesRole(bytes)) return undefined;
    const document = documentIn(bytes, role, delegators);
    if (version !== undefined && document?.signed.version !== version) return undefined;
    return document && { document, bytes };
  };
  const here = read(kept.get(roleFile(role)));
  const entry = snapshot?.signed.meta[`${role}.json`];
  if (entry === undefined) {
    const found = here ?? (await listed(search, role, read));
    return { found, missing: snapshot && found && roleFile(role) };
  }
  const keptVersion = here?.document.signed.version ?? 0;
  if (keptVersion > entry.version) return { found: here, missing: undefined };
  const file = `${entry.version}.${role}.json`;
  const there = read((await readFile(options, file))?.bytes, entry.version);
  if (there !== undefined && matches(entry, there.bytes))
    return { found: there, missing: undefined };
  if (keptVersion === entry.version) return { found: here, missing: undefined };
  return { found: there ?? here ?? (await listed(search, role, read)), missing: file };
}

/** The newest file of the role in the bucket. */
async function listed(search: Search, role: string, read: Read): Promise<Found | undefined> {
  search.listed ??= await listFiles(search.options);
  const suffix = `.${role}.json`;
  const versions = search.listed
    .filter((file) => file.endsWith(suffix))
    .map((file) => Number(file.slice(0, -suffix.length)))
    .filter((version) => isVersion(version))
    .sort((a, b) => b - a);
  for (const version of versions) {
    const older = read((await readFile(search.options, `${version}${suffix}`))?.bytes, version);
    if (older !== undefined) return older;
  }
  return undefined;
}

/** Whether these are the bytes that the entry of a snapshot or timestamp names. */
export function matches(entry: MetaFile, bytes: Buffer): boolean {
  try {
    entry.verify(bytes);
    return true;
  } catch {
    return false;
  }
}

function isOfRole(bytes: Buffer, role: string, { treeId }: RepositoryOptions): boolean {
  try {
    identifyMetadata(bytes, roleFile(role), treeId);
    return true;
  } catch {
    return false;
  }
}

/**
 * Undefined when none of the delegators verifies the signatures. What a thief signed may parse as
 * something else: a list instead of an object is read as empty.
 */
function documentIn(
  bytes: Buffer,
  role: string,
  delegators: readonly Delegator[],
): Metadata<Targets> | undefined {
  const refusal = refusalOf(bytes, roleFile(role));
  const document = refusal === undefined ? parsedAs(bytes, 'targets') : undefined;
  if (document !== undefined && delegators.some((each) => verifies(each, role, document))) {
    return document;
  }
  for (const each of isTopLevel(role) ? [] : delegators) {
    const delegator = each as Metadata<Targets>;
    const unreadable = unreadableRole(bytes, role, { delegator, refusal });
    if (unreadable !== undefined) return unreadable;
  }
  return undefined;
}

/** Undefined for a file that is unusable, for any reason. */
export function parsedAs<K extends 'timestamp' | 'snapshot' | 'targets'>(bytes: Buffer, kind: K) {
  try {
    return parseSignedFile(bytes, kind);
  } catch {
    return undefined;
  }
}
