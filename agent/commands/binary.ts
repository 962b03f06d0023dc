import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY_NAME } from '../../bucket/documents/name-rules.ts';
import { binaryKey } from '../../bucket/layout.ts';
import { openHostBucket } from '../../bucket/s3/host/host-bucket.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { readBinaries } from '../../trust/binaries.ts';
import { bucketSource } from '../../trust/metadata/source.ts';
import { systemClock } from '../io/clock.ts';
import { acquireCycleLock } from '../io/locks/cycle-lock.ts';
import { printAnswer } from '../io/print-answer.ts';
import type { Options } from '../options.ts';
import { downloadTo, isVerified } from '../steps/fetch/fetch.ts';
import { openHost } from './open-host.ts';

/** Another call may download the same file for this long. */
const WAIT_MS = 10 * 60_000;

/**
 * `mm-agent binary NAME`: brings a binary of the tree onto this host and prints its path. The file
 * gets its name only when length and sha256 match the signed metadata; the next call continues an
 * interrupted download. Files that the metadata no longer names are removed. Throws BINARY_UNKNOWN,
 * BLOB_MISMATCH, METADATA_*, S3_*, DISK_FULL, LOCKED.
 */
export async function binary(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const [name, ...others] = options.operands;
  if (name === undefined || others.length > 0 || !BINARY_NAME.test(name)) {
    throw new CodedError('wanted the name of one binary', {
      code: 'USAGE',
      next: 'mm-agent binary NAME; mm binaries list shows the names',
    });
  }
  const { config, paths, packagedRoot } = await openHost(options);
  const stop = new AbortController().signal;
  mkdirSync(paths.binaryDownloads, { recursive: true, mode: 0o700 });
  const lock = { path: paths.binariesLock, waitMs: WAIT_MS, clock: systemClock, stop };
  const { release } = await acquireCycleLock(lock);
  const bucket = await openHostBucket(config.bucket, config.s3, env);
  try {
    removeOldDownloads(paths.binaryDownloads);
    const there = readdirSync(paths.binaries).filter((each) => BINARY_NAME.test(each));
    const signed = await readBinaries({
      ...{ directory: paths.trust, packagedRoot, clock: systemClock },
      source: bucketSource(bucket, config.tree),
      names: [...new Set([name, ...there])],
    });
    for (const each of there) {
      if (!signed.has(each)) rmSync(join(paths.binaries, each), { force: true });
    }
    const wanted = signed.get(name);
    if (wanted === undefined) throw unknown(name, config.tree);
    const path = join(paths.binaries, name);
    const request = {
      ...{ bucket, tree: config.tree, directory: paths.binaryDownloads, signal: stop },
      ...{ release: wanted, key: binaryKey(config.tree, { name, ...wanted }) },
    };
    const isThere = await isVerified(path, request);
    if (!isThere) await downloadTo(path, request);
    const { sha256, length } = wanted;
    printAnswer(
      options.json ? JSON.stringify({ name, path, sha256, length, downloaded: !isThere }) : path,
    );
    return 0;
  } finally {
    bucket.close();
    await release();
  }
}

/** A download that no call continues, for example of a binary that was replaced meanwhile. */
const DOWNLOAD_KEPT_MS = 7 * 86_400_000;

function removeOldDownloads(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (systemClock.now() - statSync(path).mtimeMs > DOWNLOAD_KEPT_MS) rmSync(path);
  }
}

function unknown(name: string, tree: string): CodedError {
  return new CodedError(`the signed metadata of ${tree} names no binary ${name}`, {
    code: 'BINARY_UNKNOWN',
    next: 'mm binaries list; a binary that was put since the last poll is known after: mm-agent --once',
  });
}
