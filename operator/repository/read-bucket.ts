import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import {
  type KeptTrust,
  keepFiles,
  readKept,
  writeRecord,
} from '../../trust/kept/trust-directory.ts';
import { roleFile } from '../../trust/metadata/role-names.ts';
import { bucketSource, type MetadataSource } from '../../trust/metadata/source.ts';
import type { Trusted } from '../../trust/metadata/trusted.ts';
import { type Refresh, readTrusted, refresh } from '../../trust/reader.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import { type RepositoryOptions, trustOptions } from './repository.ts';

/*
 * A publisher believes a bucket only as a whole. The thief of an online key can sign a snapshot
 * that names files which do not exist: a publisher who kept it, or copied one line of it, would
 * carry that into his own snapshot, and could never go back behind it. So every role that targets
 * delegates is read and verified, and nothing is kept before all of it was.
 */

/** How often targets may change while it is read. */
const MAX_TRIES = 5;

/** Verifies all that the bucket holds, then remembers it. Throws what a host would report. */
export async function readBucket(options: RepositoryOptions): Promise<VerifiedMetadata> {
  return await withScratch(options.stateDirectory, async (scratch) => {
    // Expired files may only be signed again by somebody who knows that they were the newest.
    const hasSeen = (await readTrusted(trustOptions(options, scratch))) !== undefined;
    return await readWhole(options, scratch, { acceptExpired: hasSeen });
  });
}

/** Reads the bucket as a host that was installed this minute. Nothing is kept. */
export async function readAsNewHost(
  options: RepositoryOptions,
  acceptExpired = false,
): Promise<VerifiedMetadata> {
  return await withTemporaryDirectory('trust', (directory) =>
    readWhole(options, directory, { acceptExpired }),
  );
}

/**
 * Reads back what was just committed, as a new host, and then remembers it. Throws what a host
 * would report, and METADATA_ROLLBACK when the bucket shows something older than the commit.
 */
export async function verifyCommitted(
  options: RepositoryOptions,
  files: readonly SignedFile[],
): Promise<Trusted> {
  await withTemporaryDirectory('trust', (directory) =>
    refreshWhole(options, directory, { acceptExpired: false }),
  );
  const { trusted } = await withScratch(options.stateDirectory, (scratch) =>
    refreshWhole(options, scratch, { acceptExpired: false }),
  );
  const wanted = files.at(-1)?.version ?? 0;
  const found = trusted.versions['timestamp'] ?? 0;
  if (found >= wanted) return trusted;
  throw new CodedError(`timestamp.json ${wanted} was written, but ${found} is what can be read`, {
    code: 'METADATA_ROLLBACK',
    next: 'look for a cache or proxy before the bucket, and for who else writes to it',
  });
}

interface Reading {
  readonly acceptExpired: boolean;
  /** The bucket when left out. */
  readonly source?: MetadataSource;
}

/**
 * Verifies all that the source holds, starting from what the directory holds, and keeps it there.
 */
export async function readWhole(
  options: RepositoryOptions,
  directory: string,
  reading: Reading,
): Promise<VerifiedMetadata> {
  const { trusted, etag } = await refreshWhole(options, directory, reading);
  if (etag === undefined) throw withoutEtag();
  const { root, targets, snapshot, timestamp, roles } = trusted.metadata;
  const kept = readKept(directory).files;
  const files = new Map<string, Buffer>();
  for (const role of ['targets', ...roles.keys()]) {
    const bytes = kept.get(roleFile(role));
    if (bytes !== undefined) files.set(role, bytes);
  }
  return {
    root,
    targets,
    snapshot,
    timestamp,
    timestampVersion: timestamp.signed.version,
    etag,
    environments: trusted.environments,
    roles,
    files,
    expires: trusted.expires,
    expired: trusted.expired,
  };
}

/**
 * Without an ETag the next write of timestamp.json could not tell that another publisher was first.
 */
function withoutEtag(): CodedError {
  return new CodedError('the store gives timestamp.json no strong ETag of plain characters', {
    code: 'S3_FAILED',
    next: 'look for a proxy before the bucket; a store without ETags cannot hold a tree',
  });
}

/**
 * Reads the environments that were asked for, then every other role that targets delegates. Of
 * those others an expired one is accepted: it is no reason not to publish.
 */
async function refreshWhole(
  options: RepositoryOptions,
  directory: string,
  { acceptExpired, source = bucketSource(options.bucket, options.tree) }: Reading,
): Promise<Refresh> {
  const { environments } = options;
  const trust = { ...trustOptions(options, directory), source, etag: undefined };
  const first = environments === 'all' ? [] : environments;
  try {
    let asked = first;
    for (let count = 1; count <= MAX_TRIES; count++) {
      const isLenient = acceptExpired || (count > 1 && environments !== 'all');
      const found = await refresh({ ...trust, environments: asked, acceptExpired: isLenient });
      const wanted = [...first, ...delegatedEnvironments(found.trusted.metadata.targets)];
      if (wanted.every((environment) => asked.includes(environment))) return found;
      asked = [...new Set(wanted)];
    }
  } catch (cause) {
    throw explained(cause, options);
  }
  throw new CodedError(`targets changed ${MAX_TRIES} times while it was read`, {
    code: 'METADATA_MISMATCH',
    next: 'find out who adds environments all the time; then try again',
  });
}

/**
 * One environment for each delegated role. For a pattern such as `dev_*` it is one that the pattern
 * covers.
 */
export function delegatedEnvironments({ signed }: Metadata<Targets>): string[] {
  return Object.values(signed.delegations?.roles ?? {}).flatMap(({ paths }) =>
    (paths ?? []).slice(0, 1).map((path) => path.replace(/\*?\/\*$/, '')),
  );
}

/** A missing file means something else to a publisher than to a host. */
function explained(cause: unknown, { bucket, tree }: RepositoryOptions): unknown {
  if (!(cause instanceof CodedError) || cause.code !== 'METADATA_MISSING') return cause;
  const { file } = cause.details;
  if (file === 'timestamp.json') {
    return new CodedError(`s3://${bucket.name}/${tree} has no signed metadata yet`, {
      code: 'METADATA_MISSING',
      cause,
      next: `mm init --bucket ${bucket.name} --tree ${tree}`,
    });
  }
  return new CodedError(
    `${cause.message}, but signed metadata names it: nothing is built on that`,
    {
      code: 'METADATA_MISSING',
      cause,
      next: 'bring its object version back; if it never existed, an online key was stolen: mm key rotate --role online --recover --add KEY',
      details: cause.details,
    },
  );
}

/**
 * Runs the work on a copy of what is kept. When it succeeds the copy is kept; when it fails only
 * newer roots are, which enough root keys have signed: without them a publisher could be led back
 * to revoked keys.
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

function keep(directory: string, before: KeptTrust, { files, record }: KeptTrust): void {
  const isSame =
    files.size === before.files.size &&
    [...files].every(([name, bytes]) => before.files.get(name)?.equals(bytes) === true);
  if (!isSame) keepFiles(directory, files);
  if (record !== undefined) writeRecord(directory, record);
}
