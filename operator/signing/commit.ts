import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../bucket/coded-error.ts';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { type Base, type Blob, type Change, versionOf } from './base.ts';
import { checkAsClient, type Delegators, findKeys, keysOf } from './delegation.ts';
import { type Keyring, signersFor } from './keyring.ts';
import type { Json } from './lint-parts.ts';
import { parseSignedFile, type RoleContent, type SignedFile, signFile } from './signed-file.ts';
import { putBlob, putMetadata, putTimestamp, type TreePlace } from './upload.ts';

/**
 * The one way in which signed metadata gets into a bucket: init, publish and all that follows state an intent, and this
 * signs and uploads it so that hosts see the old state or the new one and no publisher's work is lost (trust.md 6.5).
 * The order holds everything: blobs, roles, snapshot, and last the timestamp, which only replaces the one that was read.
 */
export interface Repository extends TreePlace {
  /** The signed `x-tree`. */
  readonly treeId: string;
  readonly keyring: Keyring;
  /** ms since 1970. */
  now(): number;
  /** Verifies what the bucket holds. An alarm of any kind is an error: nothing is signed on top of it. */
  read(): Promise<Base>;
}

/** What somebody wants, told anew for the state that the bucket turns out to be in. */
export type Intent<T> = (base: Base) => Promise<Planned<T>> | Planned<T>;
export type Planned<T> =
  | { readonly kind: 'change'; readonly change: Change; readonly answer: T }
  /** The state is as wanted. */
  | { readonly kind: 'nothing'; readonly answer: T };

export type Committed<T> =
  | {
      readonly kind: 'committed';
      readonly answer: T;
      /** The metadata as uploaded, timestamp last. */
      readonly files: readonly SignedFile[];
      readonly blobs: readonly Blob[];
      readonly attempts: number;
    }
  | { readonly kind: 'nothing'; readonly answer: T };

/** Enough for three people whose CI publishes all day; a bucket that always answers 412 must end, too. */
const MAX_ATTEMPTS = 30;
const MAX_PAUSE_MS = 3000;
/** Files that publishers left behind who lost a race or were killed: their versions are skipped. */
const MAX_SKIPPED_VERSIONS = 1000;

/**
 * Throws PUBLISH_LOST when other publishers were first every time, KEY_MISSING without the keys that a role needs,
 * METADATA_EXPIRED when hosts could not follow because of a role that is not renewed here.
 */
export async function commit<T>(repository: Repository, intent: Intent<T>): Promise<Committed<T>> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const base = await repository.read();
    const planned = await intent(base);
    if (planned.kind === 'nothing') return planned;
    const files = await attemptCommit(repository, base, planned.change);
    if (files !== 'lost') {
      const { answer, change } = planned;
      return { kind: 'committed', answer, files, blobs: change.blobs, attempts: attempt };
    }
    // Full jitter: those who lost to the same winner must not meet again.
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 50 * 2 ** attempt));
  }
  throw new CodedError(`other publishers were first ${MAX_ATTEMPTS} times; nothing was published`, {
    code: 'PUBLISH_LOST',
    next: 'mm releases, to see who publishes; then try again',
  });
}

/** The object keys that a change would touch, in order. Throws as {@link commit} does for keys and expiry. */
export function plannedKeys(repository: Repository, base: Base, change: Change): string[] {
  assertFollowable(base, change);
  const { tree } = repository;
  const versioned = [...change.roles.keys(), 'snapshot'];
  for (const role of [...versioned, 'timestamp']) {
    // A role that this change brings along is nobody's yet.
    const keys = findKeys(base, role);
    if (keys !== undefined) signersFor(repository.keyring, keys);
  }
  return [
    ...change.blobs.map(({ sha256 }) => blobKey(tree, sha256)),
    ...versioned.map((role) => metadataKey(tree, `${nextVersion(base, role)}.${role}.json`)),
    metadataKey(tree, 'timestamp.json'),
  ];
}

async function attemptCommit(
  repository: Repository,
  base: Base,
  change: Change,
): Promise<readonly SignedFile[] | 'lost'> {
  assertFollowable(base, change);
  let delegators: Delegators = { root: base.root, targets: base.targets };
  for (const blob of change.blobs) await putBlob(repository, blob);
  const files: SignedFile[] = [];
  const meta: Record<string, unknown> = snapshotMeta(base);
  for (const [role, content] of change.roles) {
    const from = nextVersion(base, role);
    const file = await putNextVersion(repository, delegators, { role, content, from });
    if (role === 'targets') {
      delegators = { root: base.root, targets: parseSignedFile(file.bytes, 'targets') };
    }
    meta[`${role}.json`] = metaEntry(file);
    files.push(file);
  }
  const snapshot = await putNextVersion(repository, delegators, {
    role: 'snapshot',
    content: { _type: 'snapshot', meta },
    from: nextVersion(base, 'snapshot'),
  });
  const timestamp = await sign(repository, delegators, {
    role: 'timestamp',
    content: { _type: 'timestamp', meta: { 'snapshot.json': metaEntry(snapshot) } },
    version: base.timestampVersion + 1,
  });
  const end = await putTimestamp(repository, timestamp, base.etag);
  return end === 'there' ? [...files, snapshot, timestamp] : 'lost';
}

/** With root or targets lapsed no host could follow, whatever else is signed. */
function assertFollowable(base: Base, change: Change): void {
  const lapsed = base.expired.find(
    (role) => role === 'root' || (role === 'targets' && !change.roles.has(role)),
  );
  if (lapsed === undefined) return;
  throw new CodedError(`${lapsed} expired at ${base.expires[lapsed]}: no host would take this`, {
    code: 'METADATA_EXPIRED',
    next: `sign ${lapsed} anew with its keys, see docs/keys.md`,
    details: { role: lapsed },
  });
}

/** Signs under the lowest version that is free, from `from` on. */
async function putNextVersion(
  repository: Repository,
  delegators: Delegators,
  { role, content, from }: { role: string; content: RoleContent; from: number },
): Promise<SignedFile> {
  for (let version = from; version < from + MAX_SKIPPED_VERSIONS; version++) {
    const file = await sign(repository, delegators, { role, content, version });
    if ((await putMetadata(repository, file)) === 'there') return file;
  }
  throw new CodedError(`${MAX_SKIPPED_VERSIONS} versions of ${role} from ${from} on are taken`, {
    code: 'METADATA_INVALID',
    next: 'find out who writes to the bucket',
  });
}

async function sign(
  { keyring, treeId, now }: Repository,
  delegators: Delegators,
  { role, content, version }: { role: string; content: RoleContent; version: number },
): Promise<SignedFile> {
  const signers = signersFor(keyring, keysOf(delegators, role));
  const file = await signFile({ role, content, version, signers, treeId, now: now() });
  checkAsClient(delegators, role, file);
  return file;
}

function nextVersion(base: Base, role: string): number {
  const current = role === 'snapshot' ? base.snapshot?.signed.version : versionOf(base, role);
  return (current ?? 0) + 1;
}

function snapshotMeta(base: Base): Record<string, unknown> {
  const { meta } = (base.snapshot?.signed.toJSON() ?? {}) as { meta?: Json };
  return { ...meta };
}

function metaEntry({ version, bytes }: SignedFile): Json {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}
