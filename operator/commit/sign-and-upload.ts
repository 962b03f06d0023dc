import { createHash } from 'node:crypto';
import type { Metadata, Root } from '@tufjs/models';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { JsonObject } from '../../shared/json.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { verifies } from '../metadata/delegation.ts';
import {
  messageOf,
  parseContent,
  parseSignedFile,
  type RoleContent,
  type SignedFile,
} from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import { restoreRoles } from '../repository/restore.ts';
import { putMetadata, readFile } from '../repository/stored-files.ts';
import type { Change } from './change.ts';
import { isConsistent, requireAgreed } from './consistent.ts';
import { previousDelegators } from './cross-signing.ts';
import { inTheWay, isGenuine, nextRootName } from './fixed-names.ts';
import { nextRoot } from './next-root.ts';
import { rolesSigned, signersOf } from './require-keys.ts';
import { type Signing, signCompletely, signedByOthers } from './sign-role.ts';
import { snapshotMeta } from './snapshot-meta.ts';
import { putBlob, putTimestamp } from './upload.ts';
import { areOnlineKeysReplaced, freeVersion, planVersions, type Versions } from './versions.ts';

/** Each attempt is a signature, for which a person may have to touch a token. */
const MAX_TRIES_PER_FILE = 3;

/**
 * One attempt to write a change to the bucket. The order keeps every host able to follow (I5):
 * files that hosts read change only at the end, because no timestamp leads to the new files before.
 * With a new root that is not enough, see {@link previousDelegators}. `lost`: another publisher was
 * first.
 */
export async function signAndUpload(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): Promise<readonly SignedFile[] | 'lost'> {
  requireFollowable(verified, change);
  if (change.root !== undefined && (await nextRootName(repository, verified.root)) === 'followed') {
    return 'lost';
  }
  const root = await nextRoot(repository, verified, change);
  const newest = root === undefined ? verified.root : parseSignedFile(root.bytes, 'root');
  requireBelievable(verified, newest);
  const versions = planVersions(verified, change, newest);
  const isCrossSigned = root !== undefined && !versions.isRestart;
  const signing: Signing = {
    repository,
    delegators: { root: newest, targets: verified.targets },
    previous: isCrossSigned
      ? previousDelegators(repository.keyring, verified, { change, root: newest })
      : undefined,
  };
  // A recovery uses what this machine has kept. Hosts must find it before a snapshot names it.
  if (verified.distrusted !== undefined) await restoreRoles(repository, verified.files, change);
  for (const blob of change.blobs) await putBlob(repository, blob);
  const roles = await putRoles(signing, { change, versions });
  const snapshot = await putSnapshot(roles.signing, verified, { change, versions, ...roles });
  const content: RoleContent = { _type: 'timestamp', meta: { 'snapshot.json': snapshot.entry } };
  const end = await putCommitPoint(roles.signing, verified, { content, root, versions });
  return end === 'lost' ? 'lost' : [...roles.files, ...snapshot.files, ...end];
}

/**
 * The object keys that a change would write, in order. Throws as `commit` does for keys and expiry.
 */
export function objectKeysOf(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): string[] {
  requireFollowable(verified, change);
  const { tree } = repository;
  const root = change.root === undefined ? verified.root : parseContent({ ...change.root }, 'root');
  requireBelievable(verified, root);
  const versions = planVersions(verified, change, root);
  const isWithSnapshot = change.keepSnapshot !== true;
  signersOf(repository.keyring, verified, rolesSigned(change));
  const files = [
    ...[...change.roles.keys()].map((role) => `${versions.of(role)}.${role}.json`),
    ...(isWithSnapshot ? [`${versions.snapshot}.snapshot.json`] : []),
    ...(change.root === undefined ? [] : [`${verified.root.signed.version + 1}.root.json`]),
    'timestamp.json',
  ];
  return [
    ...change.blobs.map(({ sha256 }) => blobKey(tree, sha256)),
    ...files.map((file) => metadataKey(tree, file)),
  ];
}

/** With an expired root or targets no host could follow, even after this commit. */
function requireFollowable(verified: VerifiedMetadata, { roles, root }: Change): void {
  const expired = verified.expired.find(
    (role) =>
      (role === 'root' && root === undefined) || (role === 'targets' && !roles.has('targets')),
  );
  if (expired === undefined) return;
  throw new CodedError(
    `${expired} expired at ${verified.expires[expired]}: no host would accept this`,
    {
      code: 'METADATA_EXPIRED',
      next: `mm renew ${expired}, where the keys of ${expired} are; see docs/keys.md`,
      details: { role: expired },
    },
  );
}

/**
 * A snapshot that is not trusted may name versions that do not exist. Hosts that saw it would
 * refuse a correct one as a rollback as long as it verifies. Throws NOT_CONFIRMED, and the alarm.
 */
function requireBelievable(verified: VerifiedMetadata, root: Metadata<Root>): void {
  const { distrusted, timestamp, snapshot } = verified;
  if (distrusted === undefined) return;
  const isDropped =
    timestamp === undefined
      ? areOnlineKeysReplaced(verified.root, root)
      : !verifies(root, 'timestamp', timestamp) &&
        (snapshot === undefined || !verifies(root, 'snapshot', snapshot));
  if (!isDropped && !isConsistent(verified, root)) throw distrusted;
  requireAgreed(verified);
}

interface PutRoles {
  readonly files: readonly SignedFile[];
  /** By role name. */
  readonly made: ReadonlyMap<string, SignedFile>;
  /** With the targets of this commit. */
  readonly signing: Signing;
}

async function putRoles(
  signing: Signing,
  { change, versions }: { readonly change: Change; readonly versions: Versions },
): Promise<PutRoles> {
  let now = signing;
  const made = new Map<string, SignedFile>();
  for (const [role, content] of change.roles) {
    const draft = change.drafts?.get(role);
    const file =
      draft === undefined
        ? await putNextVersion(now, { role, content, from: versions.of(role) })
        : await putDraft(now, role, signedByOthers(now, draft));
    if (role === 'targets') now = withTargets(now, file);
    made.set(role, file);
  }
  return { files: [...made.values()], made, signing: now };
}

function withTargets(signing: Signing, { bytes }: SignedFile): Signing {
  const targets = parseSignedFile(bytes, 'targets');
  const { delegators, previous } = signing;
  return {
    ...signing,
    delegators: { ...delegators, targets },
    previous: previous && { ...previous, targets },
  };
}

/** Others have already signed this content, so its version cannot change. */
async function putDraft(signing: Signing, role: string, file: SignedFile): Promise<SignedFile> {
  const { repository } = signing;
  if ((await putMetadata(repository, file)) === 'there') return file;
  const found = await readFile(repository, file.file);
  const stored = found && { ...file, bytes: found.bytes };
  if (stored === undefined || !isGenuine(signing, role, stored)) {
    throw inTheWay(repository, file.file);
  }
  // The file of an earlier attempt. Some kinds of keys never make the same signature twice.
  if (isSameContent(stored.bytes, file.bytes)) return stored;
  throw new CodedError(`${file.file} is in the bucket already, with other content`, {
    code: 'PROPOSAL_INVALID',
    next: 'another publisher was faster: propose it again',
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
  {
    change,
    versions,
    made,
  }: {
    readonly change: Change;
    readonly versions: Versions;
    readonly made: ReadonlyMap<string, SignedFile>;
  },
): Promise<{ readonly files: readonly SignedFile[]; readonly entry: unknown }> {
  const there = verified.timestamp?.signed.snapshotMeta;
  if (change.keepSnapshot === true && there !== undefined && verified.distrusted === undefined) {
    return { files: [], entry: there.toJSON() };
  }
  const { targets } = signing.delegators;
  const isContinued =
    !versions.isRestart &&
    (verified.distrusted === undefined || isConsistent(verified, signing.delegators.root));
  const meta = snapshotMeta(verified, made, { targets, isContinued });
  const content: RoleContent = { _type: 'snapshot', meta };
  const from = versions.snapshot;
  const file = await putNextVersion(signing, { role: 'snapshot', content, from });
  const sha256 = createHash('sha256').update(file.bytes).digest('hex');
  const entry = { version: file.version, length: file.bytes.length, hashes: { sha256 } };
  return { files: [file], entry };
}

/** Signs under the lowest free version, from `from` on. */
async function putNextVersion(
  signing: Signing,
  { role, content, from }: { role: string; content: RoleContent; from: number },
): Promise<SignedFile> {
  const { repository } = signing;
  for (let tries = 1; tries <= MAX_TRIES_PER_FILE; tries++) {
    const version = await freeVersion(repository, role, from);
    const file = await signCompletely(signing, { role, content, version });
    if ((await putMetadata(repository, file)) === 'there') return file;
  }
  throw new CodedError(
    `${MAX_TRIES_PER_FILE} times another file got the name of ${roleWord(role)} while it was being signed`,
    {
      code: 'PUBLISH_LOST',
      next: 'find out who writes to the bucket, with mm log; then run the same command again',
      details: { role },
    },
  );
}

interface CommitPoint {
  readonly content: RoleContent;
  readonly root: SignedFile | undefined;
  readonly versions: Versions;
}

/**
 * From here on hosts see the change. When the old timestamp does not verify by the new root, the
 * root is uploaded between two timestamps: the first one verifies by both roots, and the second
 * tells hosts to look for a root.
 */
async function putCommitPoint(
  signing: Signing,
  verified: VerifiedMetadata,
  { content, root, versions }: CommitPoint,
): Promise<readonly SignedFile[] | 'lost'> {
  const { repository, previous } = signing;
  let version = versions.timestamp;
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
  if (root !== undefined && (await putMetadata(repository, root)) === 'taken') {
    await nextRootName(repository, verified.root);
    return 'lost';
  }
  const end = await putTimestamp(repository, timestamp, etag).catch((cause: unknown) => {
    throw root === undefined ? cause : unfinished(root, cause);
  });
  if (end === 'lost') return 'lost';
  return root === undefined ? [timestamp] : [root, timestamp];
}

/** Hosts that see the new root wait for the remaining files. */
function unfinished({ file }: SignedFile, cause: unknown): unknown {
  if (!(cause instanceof CodedError)) return cause;
  return new CodedError(`${file} is in the bucket, but its timestamp is not: ${cause.message}`, {
    code: cause.code,
    cause,
    next: 'run the same command again when the cause is removed: it finishes the rotation',
    details: cause.details,
  });
}
