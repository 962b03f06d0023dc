/*
 * Who may tell a host what to run. Publisher and host verify by the code in this folder.
 *
 * Parties  Everybody can write to the bucket: nothing in it is trusted because it is there. The
 *          holders of root keys name all other keys. The holders of targets keys give each
 *          environment its own role. Operators or CI sign what the hosts of an environment run. The
 *          online keys, of CI and of each operator, sign which files are the newest.
 * Keys     The installed root.json is the only thing that a host trusts without a signature. It
 *          names root, targets, snapshot and timestamp keys with a threshold for each role; a newer
 *          root must be signed by the old and by the new root keys. A stolen online key freezes or
 *          withholds, and never runs code; new keys in a new root end that.
 * Files    N.root.json -> timestamp.json -> N.snapshot.json -> N.targets.json -> N.env-<name>.json,
 *          which gives length and sha256 of each tarball. Only timestamp.json is overwritten.
 *
 * The verification is TUF's client workflow, done by tuf-js (workflow/). What this folder adds: one
 * request while nothing changes, a clock that cannot be set back, a tree id in each file, limits
 * for versions, and what a machine keeps between two refreshes (kept/). docs/trust.md has the
 * attacks.
 */
import { CodedError } from '../shared/coded-error.ts';
import { isRootDue, keepEnd, keepRecord } from './kept/progress.ts';
import { type PackagedSeeds, withSeeds } from './kept/seeds.ts';
import { readStart, type Start } from './kept/start.ts';
import { removeLeftovers } from './kept/trust-directory.ts';
import { guardedNow } from './metadata/clock.ts';
import type { Trusted } from './metadata/trusted.ts';
import {
  type AskedTimestamp,
  askForTimestamp,
  askForWholeTimestamp,
  type TimestampOptions,
} from './timestamp.ts';
import { inspectMetadata } from './workflow/inspect.ts';
import { type PassEnd, pass } from './workflow/pass.ts';
import type { Session } from './workflow/session.ts';

/** What this machine keeps, and what it was installed with. */
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
   * The tree that every file must name. Without it the tree of the installed root, which must name
   * one. Empty: files that name no tree, which only the TUF conformance suite has.
   */
  readonly treeId?: string;
}

export interface RefreshOptions extends TrustOptions, TimestampOptions {
  /** The rollback floor of a new host. */
  readonly packagedSeeds?: PackagedSeeds;
  /** For publishers: expired metadata must be readable to be renewed. All other checks stay. */
  readonly acceptExpired?: boolean;
  /**
   * Looks up targets other than releases before anything is kept. What it throws refuses the
   * refresh.
   */
  readonly alsoRead?: (getTargetInfo: Session['getTargetInfo']) => Promise<void>;
}

export interface Refresh {
  /**
   * About the metadata alone: an `unchanged` one may still name a release that could not be
   * installed last time.
   */
  readonly kind: 'unchanged' | 'updated';
  readonly trusted: Trusted;
  /**
   * Of the timestamp.json that was used; undefined when the store gave none that is safe to send
   * back. Store it last, when all that it leads to is done.
   */
  readonly etag: string | undefined;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
}

/**
 * Asks the source for newer metadata, verifies it, and makes it the trusted one. With nothing new
 * that is one request, and nothing is written. Throws METADATA_*, TREE_MISMATCH, ROOT_INVALID,
 * DISK_FULL, and the source's S3_* codes; the trusted files are then what they were, except that
 * newer roots stay once they were verified.
 */
export async function refresh(options: RefreshOptions): Promise<Refresh> {
  removeLeftovers(options.directory);
  const start = readStart(options);
  const timestamp = await askForTimestamp(options, start);
  const verified = await verify(options, start, timestamp);
  return keep(options, start, verified);
}

/**
 * Verifies again what is kept, without network and without writing; undefined when it is unusable.
 * What has expired is still returned, and named in `expired`: it says nothing about newer releases,
 * but it was trusted when it came.
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
  readonly timestamp: AskedTimestamp;
  readonly end: PassEnd;
  /**
   * Nothing was fetched but timestamp.json, which is the kept one: there is nothing new to keep.
   */
  readonly isAsKept: boolean;
}

/**
 * With the kept timestamp.json nothing is fetched, unless a root is due or what is kept is broken.
 */
async function verify(
  options: RefreshOptions,
  start: Start,
  timestamp: AskedTimestamp,
): Promise<Verified> {
  if (!timestamp.isKept) return await verifyNew(options, start, timestamp);
  const end = await verifyKept(options, start, timestamp.clock.now);
  if (isBroken(end.outcome)) {
    return await verifyNew(options, start, await askForWholeTimestamp(options, start));
  }
  const isAsKept = !isRootDue(start.record, timestamp.clock.certain);
  return isAsKept ? { timestamp, end, isAsKept } : await verifyNew(options, start, timestamp);
}

/**
 * Expired is not broken: to fetch the same files again would not help, and must not cost requests.
 */
function isBroken(outcome: PassEnd['outcome']): boolean {
  if (outcome.kind === 'trusted') return false;
  return !(outcome.error instanceof CodedError && outcome.error.code === 'METADATA_EXPIRED');
}

async function verifyKept(
  options: TrustOptions & Pick<RefreshOptions, 'acceptExpired'>,
  { chain, local }: Start,
  now: number,
): Promise<PassEnd> {
  const { environments, acceptExpired = false } = options;
  return await pass({
    chain,
    local,
    timestamp: local.get('timestamp.json') ?? Buffer.alloc(0),
    source: undefined,
    rootSource: undefined,
    environments,
    now,
    acceptExpired,
  });
}

/**
 * The whole TUF client workflow. Its start time is fixed here for all checks of expiry (TUF 5.1).
 */
async function verifyNew(
  options: RefreshOptions,
  start: Start,
  timestamp: AskedTimestamp,
): Promise<Verified> {
  const { chain } = start;
  inspectMetadata(timestamp.bytes, 'timestamp.json', chain.treeId);
  // A rotation always signs timestamp.json again: with the kept one only a root can be new.
  const source = timestamp.isKept ? undefined : options.source;
  const end = await pass({
    ...options,
    chain,
    local: withSeeds(start, options.packagedSeeds),
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
 * A root that was seen must be reached again: a bucket without it could lead back to revoked keys
 * (I10).
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

/** Makes what was verified the trusted files; throws what refused the rest. */
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
