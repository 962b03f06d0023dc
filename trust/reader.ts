import { CodedError } from '../shared/coded-error.ts';
import { isRootDue, keepEnd, keepRecord } from './kept/progress.ts';
import { readStart, type Start } from './kept/start.ts';
import { removeLeftovers } from './kept/trust-directory.ts';
import { guardedNow } from './metadata/expiry.ts';
import type { MetadataSource } from './metadata/source.ts';
import type { Trusted } from './metadata/trusted.ts';
import { getFile } from './workflow/fetcher.ts';
import { inspectMetadata } from './workflow/inspect.ts';
import { type PassEnd, pass } from './workflow/pass.ts';
import type { Session } from './workflow/session.ts';

/** What lies on this machine, and what it was installed with. */
export interface TrustOptions {
  /** `<state>/trust`, made when missing. One refresh at a time per directory: the caller holds a lock. */
  readonly directory: string;
  /** The trust root that was installed: the bytes of `root.json`. */
  readonly packagedRoot: Uint8Array;
  readonly environments: readonly string[];
  readonly clock: { now(): number };
  /**
   * The tree that every file must name; without it the one that the installed root names, and it must name one. Empty:
   * files of no tree, which only the TUF conformance suite has.
   */
  readonly treeId?: string;
}

export interface RefreshOptions extends TrustOptions {
  readonly source: MetadataSource;
  /** ETag of timestamp.json, as an earlier refresh returned it and the caller stored it after all was done. */
  readonly etag: string | undefined;
  /** timestamp.json and snapshot.json of build time: the rollback floor of a fresh host. */
  readonly packagedSeeds?: { readonly timestamp: Uint8Array; readonly snapshot: Uint8Array };
  /** For publishers: expired metadata must be readable to be renewed. Everything else is checked as ever. */
  readonly acceptExpired?: boolean;
  /** Looks up targets other than releases, before anything is kept; what it throws refuses the refresh. */
  readonly alsoRead?: (getTargetInfo: Session['getTargetInfo']) => Promise<void>;
  /** For one file, 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Refresh {
  /** About the metadata alone: an `unchanged` one may still name a release that could not be taken last time. */
  readonly kind: 'unchanged' | 'updated';
  readonly trusted: Trusted;
  /** Of the timestamp.json that was used. Store it last, when all that it leads to is done. */
  readonly etag: string;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
}

/** TUF's own limit for the one file whose size nothing signed tells. */
const MAX_TIMESTAMP_BYTES = 16_384;

/** One look at timestamp.json: its bytes, or that the kept ones are still it. */
interface Moment {
  /** Guarded, ms since 1970. */
  readonly now: number;
  readonly serverDate: number | undefined;
}

/**
 * Asks the source for newer metadata, verifies it, and makes it the trusted one. With nothing new that is one request,
 * and nothing is written. Throws METADATA_*, TREE_MISMATCH, ROOT_INVALID, DISK_FULL, and the source's S3_* codes; the
 * trusted files are then what they were, except that newer roots stay once they were vouched for.
 */
export async function refresh(options: RefreshOptions): Promise<Refresh> {
  removeLeftovers(options.directory);
  const start = readStart(options);
  const limits = { ...limitsOf(options), ifNoneMatch: conditionOf(options, start) };
  const answer = await getFile(options.source, 'timestamp.json', limits);
  const { serverDate } = answer;
  const highest = Math.max(start.record?.serverDate ?? 0, serverDate ?? 0);
  const moment = { now: guardedNow(options.clock.now(), highest), serverDate };
  if (answer.kind === 'object')
    return await takeTimestamp(options, start, { ...moment, ...answer });
  return await keepTimestamp(options, start, moment);
}

/**
 * Verifies again what lies in the directory, without network and without writing; undefined when that is not usable.
 * What has expired is still told, in `expired`: it says nothing about newer releases, but it was trusted when it came.
 */
export async function readTrusted(options: TrustOptions): Promise<Trusted | undefined> {
  try {
    const start = readStart(options);
    if (!hasNewestRoot(start)) return undefined;
    const now = guardedNow(options.clock.now(), start.record?.serverDate);
    const { outcome } = await verifyKept({ ...options, acceptExpired: true }, start, now);
    return outcome.kind === 'trusted' ? outcome.trusted : undefined;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function hasNewestRoot({ chain, rootFloor }: Start): boolean {
  return chain.version >= rootFloor;
}

/** "Unchanged" is an answer only for a host that has something whole which did not change. */
function conditionOf({ etag }: RefreshOptions, start: Start): string | undefined {
  const { chain, files, local } = start;
  const keepsRoots = [...chain.roots].every(([file, bytes]) => files.get(file)?.equals(bytes));
  return keepsRoots && local.has('timestamp.json') && hasNewestRoot(start) ? etag : undefined;
}

/** timestamp.json is the one in the directory: TUF's checks without a request, unless a root is due. */
async function keepTimestamp(
  options: RefreshOptions,
  start: Start,
  moment: Moment,
): Promise<Refresh> {
  const { serverDate } = moment;
  const { outcome, rootVersion } = await verifyKept(options, start, moment.now);
  const bytes = start.local.get('timestamp.json');
  const { etag } = options;
  if (bytes === undefined || etag === undefined || isBroken(outcome)) {
    const whole = await getFile(options.source, 'timestamp.json', limitsOf(options));
    return await takeTimestamp(options, start, { ...whole, ...moment });
  }
  if (isRootDue(start.record, moment.now)) {
    return await takeTimestamp(options, start, { ...moment, bytes, etag, isKept: true });
  }
  keepRecord(options.directory, start, { ...moment, rootVersion, askedForRoot: false });
  if (outcome.kind === 'refused') throw outcome.error;
  return { kind: 'unchanged', trusted: outcome.trusted, etag, serverDate };
}

/** Expired is not broken: fetching the same again would not help, and must not cost requests. */
function isBroken(outcome: PassEnd['outcome']): boolean {
  if (outcome.kind === 'trusted') return false;
  return !(outcome.error instanceof CodedError && outcome.error.code === 'METADATA_EXPIRED');
}

async function verifyKept(
  options: TrustOptions & Pick<RefreshOptions, 'acceptExpired'>,
  { chain, local }: Start,
  now: number,
): Promise<PassEnd> {
  const timestamp = local.get('timestamp.json') ?? Buffer.alloc(0);
  const { environments, acceptExpired = false } = options;
  return await pass({
    chain,
    local,
    timestamp,
    source: undefined,
    rootSource: undefined,
    environments,
    now,
    acceptExpired,
  });
}

/** The whole TUF client workflow with a timestamp.json that was read already. */
async function takeTimestamp(
  options: RefreshOptions,
  start: Start,
  taken: Moment & { readonly bytes: Buffer; readonly etag: string; readonly isKept?: true },
): Promise<Refresh> {
  const { bytes, etag, serverDate, now } = taken;
  const { chain } = start;
  inspectMetadata(bytes, 'timestamp.json', chain.treeId);
  const { acceptExpired = false } = options;
  const local = withSeeds(start, options.packagedSeeds);
  // A rotation signs timestamp.json anew: with the kept one, a root is all that there can be to fetch.
  const source = taken.isKept === true ? undefined : options.source;
  const sources = { source, rootSource: options.source };
  const given = { chain, local, timestamp: bytes, now, acceptExpired, ...sources };
  const end = await pass({ ...options, ...given });
  const isFinal = end.outcome.kind === 'trusted' || end.askedForRoot;
  if (isFinal && end.rootVersion < start.rootFloor) throw rootBelowFloor(end, start);
  const kind = keepEnd(options.directory, start, end);
  keepRecord(options.directory, start, { ...taken, ...end });
  if (end.outcome.kind === 'refused') throw end.outcome.error;
  return { kind, trusted: end.outcome.trusted, etag, serverDate };
}

/**
 * A fresh host has seen nothing: what its package saw at build time is its floor against replay (attack 08b). A seed that
 * is needed and is none is told: passed over, it would be a floor that everybody believes in and nobody has.
 */
function withSeeds(
  { local, chain }: Start,
  seeds: RefreshOptions['packagedSeeds'],
): ReadonlyMap<string, Buffer> {
  if (seeds === undefined) return local;
  const files = new Map(local);
  for (const [role, bytes] of Object.entries(seeds)) {
    const name = `${role}.json`;
    if (files.has(name)) continue;
    requireSeed(bytes, role, chain.treeId);
    files.set(name, Buffer.from(bytes));
  }
  return files;
}

function requireSeed(bytes: Uint8Array, role: string, treeId: string): void {
  let why = `it is no ${role}`;
  let cause: unknown;
  try {
    if (inspectMetadata(bytes, `${role}.json`, treeId)['_type'] === role) return;
  } catch (error) {
    cause = error;
    why = String(error);
  }
  throw new CodedError(`the installed ${role}.json is no floor against older metadata: ${why}`, {
    code: 'ROOT_INVALID',
    cause,
    next: 'install timestamp.json and snapshot.json of the same tree as root.json, or neither',
  });
}

function limitsOf({ signal, timeoutMs }: RefreshOptions) {
  return { maxBytes: MAX_TIMESTAMP_BYTES, signal, timeoutMs };
}

function rootBelowFloor({ rootVersion, outcome }: PassEnd, { rootFloor }: Start): CodedError {
  return new CodedError(
    `wanted root version ${rootFloor}, which this machine has seen, and got no further than ${rootVersion}`,
    {
      code: 'METADATA_ROLLBACK',
      cause: outcome.kind === 'refused' ? outcome.error : undefined,
      next: 'mm doctor: every N.root.json must stay in the bucket for ever',
    },
  );
}
