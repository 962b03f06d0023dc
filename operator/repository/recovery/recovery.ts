import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../../shared/coded-error.ts';
import { isOfTree, readStart } from '../../../trust/kept/start.ts';
import { readKept } from '../../../trust/kept/trust-directory.ts';
import { expiredRoles } from '../../../trust/metadata/expiry.ts';
import { readAnyOffer } from '../../../trust/metadata/offer.ts';
import { releaseTarget, roleFile } from '../../../trust/metadata/role-names.ts';
import type { EnvironmentOffer } from '../../../trust/metadata/trusted.ts';
import { isVersion } from '../../../trust/metadata/version-limits.ts';
import { type RootChain, rootFile, walkRoots } from '../../../trust/workflow/root-chain.ts';
import { type Delegator, verifies } from '../../metadata/delegation.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { delegatedEnvironments } from '../read-bucket.ts';
import { type Repository, type RepositoryOptions, trustOptions } from '../repository.ts';
import { answerFor, readFile } from '../stored-files.ts';
import { lostFiles } from './lost-files.ts';
import { matches, newestOf, parsedAs, type Search } from './newest-of.ts';
import { readUnderEarlierRoot } from './unfinished-rotation.ts';

/*
 * How a publisher reads a bucket that fails verification, to repair it. Two causes look alike: a
 * rotation that stopped between the new root and its timestamp, and an attacker who has an online
 * key. Snapshot and timestamp are therefore not trusted. Roots verify each other. Targets and the
 * delegated roles are verified with their own keys. Of each role the newest of two versions is
 * used: the one that this machine has verified before, and the one that the snapshot names. Without
 * either, the newest version in the bucket is used, and a person must agree to it: lost-files.ts.
 * Only a person starts a recovery, never a job.
 */

/**
 * The error codes of a bucket that must not be trusted. All other errors (network, credentials) do
 * not start a recovery.
 */
const ALARMS: ReadonlySet<string> = new Set([
  'METADATA_INVALID',
  'METADATA_MISMATCH',
  'METADATA_MISSING',
  'METADATA_ROLLBACK',
  'METADATA_UNSIGNED',
  'S3_TOO_LARGE',
  'TREE_MISMATCH',
]);

/**
 * A repository that reads what it can when the bucket fails verification, and prints a notice.
 *
 * @param without files that a person agreed to go on without
 */
export function repairing(
  repository: Repository,
  options: RepositoryOptions,
  without: readonly string[] = [],
): Repository {
  const read = async () => {
    try {
      return await repository.read();
    } catch (error) {
      if (!(error instanceof CodedError) || !ALARMS.has(error.code)) throw error;
      if (error.code === 'METADATA_UNSIGNED') {
        const verified = await readUnderEarlierRoot(options);
        const version = verified?.root.signed.version;
        if (verified !== undefined) {
          repository.notice?.(`the rotation to root ${version} did not finish: continuing it`);
          return verified;
        }
      }
      const verified = await readForRecovery(options, error);
      if (verified === undefined) throw error;
      repository.notice?.(`${error.code}: ${error.message}`);
      repository.notice?.('the snapshot and timestamp of the bucket are not trusted');
      const { lost = [] } = verified;
      for (const { text } of lost) repository.notice?.(text);
      return { ...verified, lost: lost.filter(({ file }) => !without.includes(file)) };
    }
  };
  return { ...repository, read };
}

/** Undefined when not even targets can be read. */
export async function readForRecovery(
  options: RepositoryOptions,
  alarm: CodedError,
): Promise<VerifiedMetadata | undefined> {
  const kept = readKept(options.stateDirectory).files;
  const chain = await readRoots(options, kept);
  const online = await readOnline(options, chain, kept);
  const root = parseSignedFile(chain.newest, 'root');
  const { named } = readStart(trustOptions(options, options.stateDirectory));
  const search: Search = { options, kept, named, listed: undefined, snapshot: online.snapshot };
  const delegators = [root, ...(online.earlierRoot === undefined ? [] : [online.earlierRoot])];
  const missing = new Map<string, string>();
  const find = async (role: string, by: readonly Delegator[]) => {
    const newest = await newestOf(search, role, by);
    if (newest.missing !== undefined) missing.set(role, newest.missing);
    return newest.found;
  };
  const targets = await find('targets', delegators);
  if (targets === undefined) return undefined;
  const found = new Map([['targets', targets]]);
  for (const role of Object.keys(targets.document.signed.delegations?.roles ?? {})) {
    const newest = await find(role, [targets.document]);
    if (newest !== undefined) found.set(role, newest);
  }
  const roles = new Map([...found].map(([role, { document }]) => [role, document]));
  roles.delete('targets');
  const expires = expiryOf({ root, targets: targets.document, ...Object.fromEntries(roles) });
  const verified: VerifiedMetadata = {
    root,
    targets: targets.document,
    snapshot: online.snapshot,
    timestamp: online.timestamp,
    timestampVersion: online.timestamp?.signed.version ?? keptVersion(kept),
    etag: online.etag,
    serverDate: online.serverDate,
    environments: offers(options, targets.document, roles),
    roles,
    files: new Map([...found].map(([role, { bytes }]) => [role, bytes])),
    expires,
    expired: expiredRoles(expires, options.now()),
    unfinishedSince: online.earlierRoot,
    distrusted: alarm,
  };
  // An older snapshot than this machine has seen says nothing about the newest versions.
  const isUnknown = online.snapshot === undefined || alarm.code === 'METADATA_ROLLBACK';
  return { ...verified, lost: lostFiles(verified, missing, isUnknown) };
}

/** Roots verify each other: reads the next root until there are no more. */
async function readRoots(
  options: RepositoryOptions,
  kept: ReadonlyMap<string, Buffer>,
): Promise<RootChain> {
  const files = new Map(kept);
  for (;;) {
    const chain = walkRoots(options.root, files, options.treeId);
    const file = rootFile(chain.version + 1);
    const next = await readFile(options, file);
    if (next === undefined) return chain;
    files.set(file, next.bytes);
    if (walkRoots(options.root, files, options.treeId).version === chain.version) return chain;
  }
}

interface Online extends Pick<VerifiedMetadata, 'etag' | 'serverDate'> {
  /** Undefined when no root of the chain verifies it; then the snapshot is undefined, too. */
  readonly timestamp?: Metadata<Timestamp>;
  readonly snapshot?: Metadata<Snapshot>;
  /** The root that verifies them, when it is not the newest. */
  readonly earlierRoot?: Metadata<Root>;
}

async function readOnline(
  options: RepositoryOptions,
  chain: RootChain,
  kept: ReadonlyMap<string, Buffer>,
): Promise<Online> {
  const found = await readFile(options, 'timestamp.json');
  const { etag, serverDate } = found ?? (await answerFor(options, 'timestamp.json'));
  const seen = { etag, serverDate };
  const timestamp = parsed(found?.bytes, 'timestamp', options);
  if (timestamp === undefined) return seen;
  for (const root of rootsToTry(chain, kept)) {
    if (!verifies(root, 'timestamp', timestamp)) continue;
    const entry = timestamp.signed.snapshotMeta;
    const { version } = entry;
    const file = isVersion(version) && (await readFile(options, `${version}.snapshot.json`));
    const snapshot =
      file && matches(entry, file.bytes) ? parsed(file.bytes, 'snapshot', options) : undefined;
    const isGood = snapshot !== undefined && verifies(root, 'snapshot', snapshot);
    const earlier = root.signed.version === chain.version ? {} : { earlierRoot: root };
    return { ...seen, timestamp, ...(isGood && { snapshot }), ...earlier };
  }
  return seen;
}

/**
 * Newest first. Earlier roots are tried only when this machine has not seen the rotation finished:
 * an attacker who replays old metadata with a revoked key causes the same state as an unfinished
 * rotation.
 */
function rootsToTry(chain: RootChain, kept: ReadonlyMap<string, Buffer>): Metadata<Root>[] {
  const roots = [...chain.roots.values()].map((bytes) => parseSignedFile(bytes, 'root')).reverse();
  const [newest] = roots;
  const seen = parsed(kept.get('timestamp.json'), 'timestamp', chain);
  const isFinished =
    newest !== undefined && seen !== undefined && verifies(newest, 'timestamp', seen);
  return isFinished ? [newest] : roots;
}

/** Undefined for a file that is unusable, for any reason. */
function parsed<K extends 'timestamp' | 'snapshot'>(
  bytes: Buffer | undefined,
  kind: K,
  { treeId }: { readonly treeId: string },
) {
  if (bytes === undefined || !isOfTree(bytes, roleFile(kind), treeId)) return undefined;
  return parsedAs(bytes, kind);
}

function keptVersion(kept: ReadonlyMap<string, Buffer>): number {
  const bytes = kept.get('timestamp.json');
  return (bytes && parsedAs(bytes, 'timestamp'))?.signed.version ?? 0;
}

function offers(
  { environments }: RepositoryOptions,
  targets: Metadata<Targets>,
  roles: ReadonlyMap<string, Metadata<Targets>>,
): ReadonlyMap<string, EnvironmentOffer> {
  const asked = environments === 'all' ? [] : environments;
  const names = new Set([...delegatedEnvironments(targets), ...asked]);
  return new Map(
    [...names].map((environment) => {
      const path = releaseTarget(environment, 'current');
      const [delegated] = targets.signed.delegations?.rolesForTarget(path) ?? [];
      const role = delegated?.role;
      const document = role === undefined ? undefined : roles.get(role);
      return [environment, readAnyOffer(role, document, environment)];
    }),
  );
}

function expiryOf(
  documents: Readonly<Record<string, { readonly signed: { readonly expires: string } }>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(documents).map(([role, { signed }]) => [role, signed.expires]),
  );
}
