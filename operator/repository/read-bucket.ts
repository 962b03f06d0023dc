import type { Metadata, Targets } from '@tufjs/models';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import {
  type KeptTrust,
  keepFiles,
  readKept,
  writeRecord,
} from '../../trust/kept/trust-directory.ts';
import { roleFile, roleOfFile, roleWord } from '../../trust/metadata/role-names.ts';
import type { MetadataSource } from '../../trust/metadata/source.ts';
import type { Trusted } from '../../trust/metadata/trusted.ts';
import { type Refresh, readTrusted, refresh } from '../../trust/reader.ts';
import '../../trust/workflow/known-signatures.ts';
import { rootFile, walkRoots } from '../../trust/workflow/root-chain.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import { isTopLevel } from '../metadata/delegation.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import { explained } from './explained.ts';
import { metadataSource, remembering } from './metadata-source.ts';
import { requireNoFiles } from './older-files.ts';
import { type RepositoryOptions, trustOptions } from './repository.ts';
import { restoring } from './restore.ts';

/*
 * A publisher verifies a bucket completely or rejects it. An attacker with an online key can sign a
 * snapshot that names files which do not exist. A publisher who kept that snapshot, or copied one
 * entry of it, would carry the entry into the next snapshot and could never go back to a lower
 * version. So mm reads and verifies every role that targets delegates, and keeps nothing until all
 * of them are verified.
 */

/**
 * Verifies everything in the bucket, then stores it as seen. Throws the error that a host would
 * report.
 */
export async function readBucket(options: RepositoryOptions): Promise<VerifiedMetadata> {
  return await withScratch(options.stateDirectory, async (scratch) => {
    // A publisher may sign expired files again only when it knows that they were the newest.
    const hasSeen = (await readTrusted(trustOptions(options, scratch))) !== undefined;
    const acceptExpired = hasSeen || options.trustBucket === true;
    return await readWhole(options, scratch, { acceptExpired });
  });
}

/** Reads the bucket as a newly installed host would. Keeps nothing. */
export async function readAsNewHost(
  options: RepositoryOptions,
  acceptExpired = false,
  source?: MetadataSource,
): Promise<VerifiedMetadata> {
  return await withTemporaryDirectory('trust', (directory) =>
    readWhole(options, directory, { acceptExpired, source }),
  );
}

/**
 * Reads back what was just committed, as a new host, and then stores it as seen. Throws the error
 * that a host would report, and METADATA_ROLLBACK when the bucket returns something older than the
 * commit. An expired role that was not signed here is named: hosts refused it before as well. What
 * somebody deleted is uploaded again, see restore.ts.
 */
export async function verifyCommitted(
  options: RepositoryOptions,
  files: readonly SignedFile[],
): Promise<Trusted> {
  const signed = new Set(files.map(({ file }) => roleOfFile(file)));
  const mayExpire = (role: string) => !isTopLevel(role) && !signed.has(role);
  const reading = { mayExpire, source: remembering(restoring(options, files)) };
  await withTemporaryDirectory('trust', (directory) => refreshWhole(options, directory, reading));
  const { trusted } = await withScratch(options.stateDirectory, (scratch) =>
    refreshWhole(options, scratch, reading),
  );
  const wanted = files.at(-1)?.version ?? 0;
  const found = trusted.versions['timestamp'] ?? 0;
  if (found < wanted) {
    throw new CodedError(`timestamp.json ${wanted} was written, but the bucket returns ${found}`, {
      code: 'METADATA_ROLLBACK',
      next: 'look for a cache or proxy in front of the bucket, and for other writers',
    });
  }
  for (const role of trusted.expired) {
    const word = roleWord(role);
    const at = trusted.expires[role];
    options.notice?.(
      `${word} expired at ${at}, and its hosts keep what they have: mm renew ${word}`,
    );
  }
  return trusted;
}

interface Reading {
  /** Whether the role may have expired. `isAsked`: it answers for a requested environment. */
  mayExpire(role: string, isAsked: boolean): boolean;
  /** Default: the bucket. */
  readonly source?: MetadataSource | undefined;
}

/**
 * Verifies everything in the source, starting from the kept state in the directory, and stores it
 * there.
 */
export async function readWhole(
  options: RepositoryOptions,
  directory: string,
  {
    acceptExpired,
    source,
  }: { readonly acceptExpired: boolean; readonly source?: MetadataSource | undefined },
): Promise<VerifiedMetadata> {
  // A role of another environment that has expired must not block a publication.
  const mayExpire = (role: string, isAsked: boolean) =>
    acceptExpired || (!isTopLevel(role) && !isAsked);
  const read = await refreshWhole(options, directory, { mayExpire, source });
  const { trusted, etag, serverDate } = read;
  if (etag === undefined) throw withoutEtag();
  const { root, targets, snapshot, timestamp, roles } = trusted.metadata;
  const kept = readKept(directory).files;
  const files = new Map<string, Buffer>();
  for (const role of ['targets', ...roles.keys()]) {
    const bytes = kept.get(roleFile(role));
    if (bytes !== undefined) files.set(role, bytes);
  }
  await requireNoFiles(options, { targets, roles });
  return {
    root,
    targets,
    snapshot,
    timestamp,
    timestampVersion: timestamp.signed.version,
    etag,
    serverDate,
    environments: trusted.environments,
    roles,
    files,
    expires: trusted.expires,
    expired: trusted.expired,
  };
}

/**
 * Without an ETag the next write of timestamp.json could not detect that another publisher was
 * first.
 */
function withoutEtag(): CodedError {
  return new CodedError(
    'the store returns timestamp.json without a strong ETag of plain characters',
    {
      code: 'S3_FAILED',
      next: 'look for a proxy in front of the bucket; mm cannot use a store without ETags',
    },
  );
}

/** Reads the requested environments and every role that targets delegates. */
async function refreshWhole(
  options: RepositoryOptions,
  directory: string,
  { mayExpire, source = metadataSource(options) }: Reading,
): Promise<Refresh> {
  const { environments } = options;
  const common = { ...trustOptions(options, directory), source, etag: undefined };
  const trust = { ...common, acceptUnreadable: true, acceptExpired: true };
  const asked = environments === 'all' ? [] : environments;
  let found: Refresh;
  try {
    found = await refresh({
      ...trust,
      environments: asked,
      alsoEnvironments: delegatedEnvironments,
    });
  } catch (cause) {
    throw nameRoot(explained(cause, options), options, directory);
  }
  const { expired, expires, environments: offers } = found.trusted;
  const isAsked = (role: string) =>
    environments === 'all' || asked.some((each) => offers.get(each)?.role === role);
  const refused = expired.find((role) => !mayExpire(role, isAsked(role)));
  if (refused === undefined) return found;
  throw new CodedError(`metadata refused at ${refused}: it expired at ${expires[refused]}`, {
    code: 'METADATA_EXPIRED',
    next: 'mm renew, and compare the clocks of this machine and of S3; on a machine that has not seen the bucket before: mm renew --trust-bucket',
    details: { role: refused },
  });
}

/**
 * One environment for each delegated role. For a pattern such as `dev_*` it is an environment that
 * the pattern covers.
 */
export function delegatedEnvironments({ signed }: Metadata<Targets>): string[] {
  return Object.values(signed.delegations?.roles ?? {}).flatMap(({ paths }) =>
    (paths ?? []).slice(0, 1).map((path) => path.replace(/\*?\/\*$/, '')),
  );
}

/** Roots that verified are kept, so the next one is the file that was refused. */
function nameRoot(cause: unknown, options: RepositoryOptions, directory: string): unknown {
  if (!(cause instanceof CodedError)) return cause;
  const { root, bucket, tree } = options;
  const file = rootFile(walkRoots(root, readKept(directory).files).version + 1);
  const isRefused = ROOT_REFUSALS.has(cause.code) && cause.details['role'] === 'root';
  const key = metadataKey(tree, file);
  if (!isRefused && cause.details['file'] !== file && cause.details['key'] !== key) return cause;
  return new CodedError(`${cause.message}; hosts cannot follow as long as ${file} is there`, {
    code: cause.code,
    cause,
    next: `find out who wrote it; unless it is a root of yours: ${bucket.awsCommand(`s3 rm s3://${bucket.name}/${key}`)}`,
    details: { ...cause.details, file },
  });
}

const ROOT_REFUSALS: ReadonlySet<string> = new Set([
  'METADATA_INVALID',
  'METADATA_MISMATCH',
  'METADATA_UNSIGNED',
]);

/**
 * Runs the work on a copy of the kept state. When the work succeeds, the copy replaces the kept
 * state. When it fails, only newer roots are kept, which enough root keys have signed: without them
 * an attacker could lead a publisher back to revoked keys.
 */
async function withScratch<T>(
  stateDirectory: string,
  work: (scratch: string) => Promise<T>,
): Promise<T> {
  const before = readKept(stateDirectory);
  return await withTemporaryDirectory('trust', async (scratch) => {
    if (before.files.size > 0) keepFiles(scratch, before.files);
    if (before.record !== undefined) writeRecord(scratch, before.record);
    try {
      const result = await work(scratch);
      keep(stateDirectory, before, readKept(scratch));
      return result;
    } catch (error) {
      const { files, record } = readKept(scratch);
      const roots = [...files].filter(([file]) => file.endsWith('.root.json'));
      keep(stateDirectory, before, { files: new Map([...before.files, ...roots]), record });
      throw error;
    }
  });
}

function keep(
  directory: string,
  before: KeptTrust,
  { files, record }: Pick<KeptTrust, 'files' | 'record'>,
): void {
  const isSame =
    before.isCurrent &&
    files.size === before.files.size &&
    [...files].every(([name, bytes]) => before.files.get(name)?.equals(bytes) === true);
  if (!isSame) keepFiles(directory, files);
  if (record !== undefined) writeRecord(directory, record);
}
