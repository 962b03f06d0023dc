import { createHash } from 'node:crypto';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { JsonObject } from '../../shared/json.ts';
import { type Delegators, findKeys } from '../metadata/delegation.ts';
import {
  messageOf,
  parseSignedFile,
  type RoleContent,
  type SignedFile,
} from '../metadata/signed-file.ts';
import { type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import type { Change } from './change.ts';
import { previousDelegators } from './cross-signing.ts';
import { nextRoot } from './next-root.ts';
import type { Repository } from './repository.ts';
import { checked, type Signing, signCompletely, signDraft, signersAtHand } from './sign-role.ts';
import { putBlob, putMetadata, putTimestamp } from './upload.ts';

/** Files that publishers left behind who lost a race or were killed: their versions are skipped. */
const MAX_SKIPPED_VERSIONS = 1000;

/**
 * One try to bring a change into the bucket. Nothing that hosts ask for changes before the end: versioned files that no
 * timestamp leads to are invisible. With a new root that is not so, see {@link previousDelegators}.
 */
export async function signAndUpload(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): Promise<readonly SignedFile[] | 'lost'> {
  assertFollowable(verified, change);
  const root = await nextRoot(repository, verified, change);
  const newest = root === undefined ? verified.root : parseSignedFile(root.bytes, 'root');
  const previous =
    root && previousDelegators(repository.keyring, verified, { change, root: newest });
  const signing: Signing = {
    repository,
    delegators: { root: newest, targets: verified.targets },
    previous,
  };
  for (const blob of change.blobs) await putBlob(repository, blob);
  const { files, signing: after, meta } = await putRoles(signing, verified, change);
  const snapshot = await putSnapshot(after, verified, { change, meta });
  const content: RoleContent = { _type: 'timestamp', meta: { 'snapshot.json': snapshot.entry } };
  const made = [...files, ...snapshot.files];
  const end = await putCommitPoint(after, verified, { content, root, restart: change.restart });
  return end === 'lost' ? 'lost' : [...made, ...end];
}

/** The object keys that a change would touch, in order. Throws as `commit` does for keys and expiry. */
export function objectKeysOf(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): string[] {
  assertFollowable(verified, change);
  const { tree } = repository;
  const isWithSnapshot = change.keepSnapshot !== true;
  const versioned = [...change.roles.keys(), ...(isWithSnapshot ? ['snapshot'] : [])];
  for (const role of [...versioned, 'timestamp']) {
    // A role that this change brings along is nobody's yet, and who signs by a new root is seen when it is signed.
    const keys = change.root === undefined ? findKeys(verified, role) : undefined;
    if (keys !== undefined) signersAtHand(repository.keyring, keys);
  }
  const root = change.root === undefined ? [] : [`${verified.root.signed.version + 1}.root.json`];
  const files = [
    ...versioned.map((role) => `${nextVersion(verified, role)}.${role}.json`),
    ...root,
    'timestamp.json',
  ];
  return [
    ...change.blobs.map(({ sha256 }) => blobKey(tree, sha256)),
    ...files.map((file) => metadataKey(tree, file)),
  ];
}

/** With root or targets lapsed no host could follow, whatever else is signed. */
function assertFollowable(verified: VerifiedMetadata, { roles, root }: Change): void {
  const lapsed = verified.expired.find(
    (role) =>
      (role === 'root' && root === undefined) || (role === 'targets' && !roles.has('targets')),
  );
  if (lapsed === undefined) return;
  throw new CodedError(
    `${lapsed} expired at ${verified.expires[lapsed]}: no host would take this`,
    {
      code: 'METADATA_EXPIRED',
      next: `mm renew ${lapsed}, where the keys of ${lapsed} are; see docs/keys.md`,
      details: { role: lapsed },
    },
  );
}

interface PutRoles {
  readonly files: readonly SignedFile[];
  /** With the targets of this commit. */
  readonly signing: Signing;
  /** For the snapshot. */
  readonly meta: JsonObject;
}

async function putRoles(
  signing: Signing,
  verified: VerifiedMetadata,
  change: Change,
): Promise<PutRoles> {
  let now = signing;
  const files: SignedFile[] = [];
  const meta: Record<string, unknown> = snapshotMeta(verified);
  for (const [role, content] of change.roles) {
    const draft = change.drafts?.get(role);
    const from = nextVersion(verified, role);
    const file =
      draft === undefined
        ? await putNextVersion(now, { role, content, from })
        : await putDraft(now, role, await signDraft(now, draft));
    if (role === 'targets') now = withTargets(now, file);
    meta[`${role}.json`] = metaEntry(file);
    files.push(file);
  }
  return { files, signing: now, meta };
}

function withTargets(signing: Signing, { bytes }: SignedFile): Signing {
  const targets = parseSignedFile(bytes, 'targets');
  const { delegators, previous } = signing;
  const moved = (each: Delegators): Delegators => ({ ...each, targets });
  return { ...signing, delegators: moved(delegators), previous: previous && moved(previous) };
}

/** Others signed this very content: another version is not to be had here. */
async function putDraft(signing: Signing, role: string, file: SignedFile): Promise<SignedFile> {
  const { bucket, tree } = signing.repository;
  if ((await putMetadata(signing.repository, file)) === 'there') return file;
  const key = metadataKey(tree, file.file);
  const found = await bucket.get(key, { maxBytes: 4 * 1024 * 1024 });
  const there = found.kind === 'object' ? { ...file, bytes: found.bytes } : file;
  // An earlier try of this commit; some kinds of keys never sign the same twice.
  if (isSameContent(there.bytes, file.bytes)) return checked(signing, role, there);
  throw new CodedError(`${key} is in the bucket already, with other content`, {
    code: 'PROPOSAL_INVALID',
    next: 'somebody was faster: propose it again',
    details: { file: file.file },
  });
}

function isSameContent(a: Buffer, b: Buffer): boolean {
  const [left, right] = [a, b].map((bytes) => {
    const { signed } = parseSignedFile(bytes, 'targets');
    return messageOf({ signed: { ...(signed.toJSON() as JsonObject) } });
  });
  return left !== undefined && right?.equals(left) === true;
}

async function putSnapshot(
  signing: Signing,
  verified: VerifiedMetadata,
  { change, meta }: { readonly change: Change; readonly meta: JsonObject },
): Promise<{ readonly files: readonly SignedFile[]; readonly entry: unknown }> {
  const there = verified.timestamp?.signed.snapshotMeta;
  if (change.keepSnapshot === true && there !== undefined) {
    return { files: [], entry: there.toJSON() };
  }
  const { repository } = signing;
  const file = await putNextVersion(signing, {
    role: 'snapshot',
    content: { _type: 'snapshot', meta },
    from:
      change.restart === true
        ? await firstFreeSnapshot(repository)
        : nextVersion(verified, 'snapshot'),
  });
  return { files: [file], entry: metaEntry(file) };
}

/** Signs under the lowest version that is free, from `from` on. */
async function putNextVersion(
  signing: Signing,
  { role, content, from }: { role: string; content: RoleContent; from: number },
): Promise<SignedFile> {
  for (let version = from; version < from + MAX_SKIPPED_VERSIONS; version++) {
    const file = await signCompletely(signing, { role, content, version });
    if ((await putMetadata(signing.repository, file)) === 'there') return file;
  }
  throw new CodedError(`${MAX_SKIPPED_VERSIONS} versions of ${role} from ${from} on are taken`, {
    code: 'METADATA_INVALID',
    next: 'find out who writes to the bucket',
  });
}

interface CommitPoint {
  readonly content: RoleContent;
  readonly root: SignedFile | undefined;
  readonly restart: boolean | undefined;
}

/**
 * From here on hosts see it. A new root comes between two timestamps where the old one would not verify by it: the first
 * verifies by both roots, and the second tells hosts that there is something to look for.
 */
async function putCommitPoint(
  signing: Signing,
  verified: VerifiedMetadata,
  { content, root, restart }: CommitPoint,
): Promise<readonly SignedFile[] | 'lost'> {
  const { repository, previous } = signing;
  let version = restart === true ? 1 : verified.timestampVersion + 1;
  let { etag } = verified;
  if (previous !== undefined) {
    const both = await signCompletely(signing, { role: 'timestamp', content, version });
    const put = await putTimestamp(repository, both, etag);
    if (put === 'lost') return 'lost';
    etag = put.etag;
    version += 1;
  }
  const alone: Signing = { ...signing, previous: undefined };
  const timestamp = await signCompletely(alone, { role: 'timestamp', content, version });
  if (root !== undefined && (await putMetadata(repository, root)) === 'taken') return 'lost';
  const end = await putTimestamp(repository, timestamp, etag).catch((cause: unknown) => {
    throw root === undefined ? cause : unfinished(root, cause);
  });
  if (end === 'lost') return 'lost';
  return root === undefined ? [timestamp] : [root, timestamp];
}

/** Hosts that see the new root wait for the rest of it. */
function unfinished({ file }: SignedFile, cause: unknown): unknown {
  if (!(cause instanceof CodedError)) return cause;
  return new CodedError(
    `${file} is in the bucket, and what follows on it is not: ${cause.message}`,
    {
      code: cause.code,
      cause,
      next: 'the same command again, as soon as it can work: it finishes the rotation',
      details: cause.details,
    },
  );
}

function nextVersion(verified: VerifiedMetadata, role: string): number {
  const current =
    role === 'snapshot' ? verified.snapshot?.signed.version : versionOf(verified, role);
  return (current ?? 0) + 1;
}

/** A thief may have put the highest numbers there are. */
async function firstFreeSnapshot({ bucket, tree }: Repository): Promise<number> {
  const prefix = metadataKey(tree, '');
  const taken = new Set<string>();
  for await (const { key } of bucket.list(prefix)) taken.add(key.slice(prefix.length));
  let version = 1;
  while (taken.has(`${version}.snapshot.json`)) version += 1;
  return version;
}

function snapshotMeta(verified: VerifiedMetadata): Record<string, unknown> {
  const { meta } = (verified.snapshot?.signed.toJSON() ?? {}) as { meta?: JsonObject };
  return { ...meta };
}

function metaEntry({ version, bytes }: SignedFile): JsonObject {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}
