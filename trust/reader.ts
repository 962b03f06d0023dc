/*
 * Who may tell a host what to run. Publisher and host verify by the code in this folder.
 *
 * Parties  Assume that anyone can write to the bucket: being in the bucket makes nothing trusted.
 *          The holders of root keys name all other keys. The holders of targets keys give each
 *          environment its own role. Operators or CI sign what the hosts of an environment run. The
 *          online keys, of CI and of each operator, sign which files are the newest.
 * Keys     The installed root.json is the only thing that a host trusts without a signature. It
 *          names root, targets, snapshot and timestamp keys with a threshold for each role; a newer
 *          root must be signed by the old and by the new root keys. A thief of an online key can
 *          freeze or withhold releases, but never run code; a new root with new keys ends that.
 * Files    N.root.json -> timestamp.json -> N.snapshot.json -> N.targets.json -> N.env-<name>.json,
 *          which gives length and sha256 of each tarball. Only timestamp.json is overwritten.
 *
 * The verification is TUF's client workflow, done by tuf-js (workflow/). What this folder adds: one
 * request while nothing changes, a clock that cannot be set back, a tree id in each file, limits
 * for versions, and what a machine keeps between two refreshes (kept/). docs/trust.md has the
 * attacks.
 */
import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../shared/coded-error.ts';
import { isRootDue, keepEnd, keepRecord } from './kept/progress.ts';
import { type PackagedSeeds, withSeeds } from './kept/seeds.ts';
import { readStart, type Start } from './kept/start.ts';
import { removeLeftovers } from './kept/trust-directory.ts';
import { guardedNow } from './metadata/clock.ts';
import type { Trusted } from './metadata/trusted.ts';
import {
  type FetchedTimestamp,
  fetchTimestamp,
  fetchTimestampUnconditionally,
  type TimestampOptions,
} from './timestamp.ts';
import { inspectMetadata } from './workflow/inspect.ts';
import { type PassEnd, pass } from './workflow/pass.ts';
import type { Session } from './workflow/session.ts';

/** What this machine stores, and what was installed with it. */
export interface TrustOptions {
  /**
   * `<state>/trust`, made when it is missing. One refresh at a time per directory: the caller holds
   * a lock.
   */
  readonly directory: string;
  /** The trust root that was installed: the bytes of `root.json`. */
  readonly packagedRoot: Uint8Array;
  readonly environments: readonly string[];
  readonly clock: { now(): number };
  /**
   * The tree that every file must name. Left out: the tree of the installed root, which must name
   * one. Empty: files without a tree, which only the TUF conformance suite has.
   */
  readonly treeId?: string;
}

export interface RefreshOptions extends TrustOptions, TimestampOptions {
  /** The rollback floor of a new host. */
  readonly packagedSeeds?: PackagedSeeds;
  /** For publishers: expired metadata must be readable to be renewed. All other checks stay. */
  readonly acceptExpired?: boolean;
  /** For publishers: more environments, that follow from targets. */
  readonly alsoEnvironments?: (targets: Metadata<Targets>) => readonly string[];
  /** For publishers: they must be able to replace whatever the keys of a role have signed. */
  readonly acceptUnreadable?: boolean;
  /**
   * Reads other targets than releases, before anything is stored. When it throws, the refresh is
   * refused.
   */
  readonly alsoRead?: (session: Session) => Promise<void>;
}

export interface Refresh {
  /**
   * Says only that the metadata is unchanged: its release may still be missing, when the last
   * installation failed.
   */
  readonly kind: 'unchanged' | 'updated';
  readonly trusted: Trusted;
  /**
   * Of the timestamp.json that was used; undefined when the store gave none that is safe to send
   * back. Must be stored last, after everything that it leads to is installed.
   */
  readonly etag: string | undefined;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
}

/**
 * Asks the source for newer metadata, verifies it, and makes it the trusted one. With nothing new
 * that is one request, and nothing is written. Throws METADATA_*, TREE_MISMATCH, ROOT_INVALID,
 * DISK_FULL, DISK_READ_ONLY, and the source's S3_* codes; the trusted files are then what they
 * were, except that newer roots stay once they were verified.
 */
export async function refresh(options: RefreshOptions): Promise<Refresh> {
  removeLeftovers(options.directory);
  const start = readStart(options);
  const timestamp = await fetchTimestamp(options, start);
  const verified = await verify(options, start, timestamp);
  return keep(options, start, verified);
}

/**
 * Verifies the stored files again, without network and without writing. Returns undefined when they
 * are unusable. Expired roles are returned too, and listed in `expired`: they were trusted when
 * they arrived, but they do not say that nothing newer exists.
 */
export async function readTrusted(options: TrustOptions): Promise<Trusted | undefined> {
  try {
    const start = readStart(options);
    if (start.chain.version < start.rootFloor) return undefined;
    const now = guardedNow(options.clock.now(), start.clockFloor);
    const { outcome } = await verifyKept({ ...options, acceptExpired: true }, start, now);
    return outcome.kind === 'trusted' ? outcome.trusted : undefined;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

interface Verified {
  readonly timestamp: FetchedTimestamp;
  readonly end: PassEnd;
  /** Only timestamp.json was fetched, and it equals the stored one: nothing has to be stored. */
  readonly isAsKept: boolean;
}

/**
 * When timestamp.json is unchanged nothing else is fetched, unless a root is due or a stored file
 * is broken.
 */
async function verify(
  options: RefreshOptions,
  start: Start,
  timestamp: FetchedTimestamp,
): Promise<Verified> {
  if (!timestamp.isKept) return await verifyNew(options, start, timestamp);
  const end = await verifyKept(options, start, timestamp.clock.now);
  if (isBroken(end.outcome)) {
    return await verifyNew(options, start, await fetchTimestampUnconditionally(options, start));
  }
  const isAsKept = !isRootDue(start.record, timestamp.clock.certain);
  return isAsKept ? { timestamp, end, isAsKept } : await verifyNew(options, start, timestamp);
}

/** Expired is not broken: fetching the same files again would cost requests and change nothing. */
function isBroken(outcome: PassEnd['outcome']): boolean {
  if (outcome.kind === 'trusted') return false;
  return !(outcome.error instanceof CodedError && outcome.error.code === 'METADATA_EXPIRED');
}

async function verifyKept(
  options: TrustOptions &
    Pick<RefreshOptions, 'acceptExpired' | 'acceptUnreadable' | 'alsoEnvironments'>,
  { chain, local, named }: Start,
  now: number,
): Promise<PassEnd> {
  const { environments, alsoEnvironments, acceptExpired = false, acceptUnreadable } = options;
  return await pass({
    chain,
    local,
    named,
    timestamp: local.get('timestamp.json') ?? Buffer.alloc(0),
    source: undefined,
    rootSource: undefined,
    environments,
    alsoEnvironments,
    now,
    acceptExpired,
    acceptUnreadable,
  });
}

/**
 * The whole TUF client workflow. Its start time is fixed here for all checks of expiry (TUF 5.1).
 */
async function verifyNew(
  options: RefreshOptions,
  start: Start,
  timestamp: FetchedTimestamp,
): Promise<Verified> {
  const { chain } = start;
  inspectMetadata(timestamp.bytes, 'timestamp.json', chain.treeId);
  // A rotation always signs timestamp.json again. While it is unchanged, only a root can be new.
  const source = timestamp.isKept ? undefined : options.source;
  const end = await pass({
    ...options,
    chain,
    local: withSeeds(start, options.packagedSeeds),
    named: start.named,
    timestamp: timestamp.bytes,
    source,
    rootSource: options.source,
    now: timestamp.clock.now,
    acceptExpired: options.acceptExpired ?? false,
  });
  requireRootFloor(end, start);
  return { timestamp, end, isAsKept: false };
}

/**
 * Every refresh must reach the newest root that was ever seen: a bucket without it could lead back
 * to revoked keys (I10).
 */
function requireRootFloor(
  { outcome, askedForRoot, rootVersion }: PassEnd,
  { rootFloor }: Start,
): void {
  const isFinal = outcome.kind === 'trusted' || askedForRoot;
  if (!isFinal || rootVersion >= rootFloor) return;
  throw new CodedError(
    `wanted root version ${rootFloor}, which this machine has seen, and got no further than ${rootVersion}`,
    {
      code: 'METADATA_ROLLBACK',
      cause: outcome.kind === 'refused' ? outcome.error : undefined,
      next: 'mm doctor: every N.root.json must stay in the bucket forever',
    },
  );
}

/** Stores the verified files as the trusted ones, then throws the error that refused the others. */
function keep(
  { directory }: RefreshOptions,
  start: Start,
  { timestamp, end, isAsKept }: Verified,
): Refresh {
  const { etag, serverDate, clock } = timestamp;
  const kind = isAsKept ? 'unchanged' : keepEnd(directory, start, end);
  keepRecord(directory, start, { ...end, clock });
  if (end.outcome.kind === 'refused') throw end.outcome.error;
  return { kind, trusted: end.outcome.trusted, etag, serverDate };
}
