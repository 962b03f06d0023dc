import { MetadataKind } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { keepFiles, readKept } from '../../trust/kept/trust-directory.ts';
import { bucketSource, type MetadataSource } from '../../trust/metadata/source.ts';
import { readTrusted } from '../../trust/reader.ts';
import { rootFile, walkRoots } from '../../trust/workflow/root-chain.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import { verifies } from '../metadata/delegation.ts';
import { parseSignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from './repository.ts';
import {
  type RepositoryOptions,
  refreshTree,
  trustOptions,
  verifiedMetadataOf,
} from './repository.ts';

/**
 * A repository whose last rotation may have been ended between the new root and the timestamp by which that root's keys
 * take over: hosts that see the root refuse everything else, and so would this publisher. It reads what was signed by the
 * root before, by the same rules, and goes on from there. A person decides that, never a job: who replays old metadata
 * with a revoked key produces the same picture. Who has seen the rotation finished is never fooled by it.
 */
export function finishRotations(
  repository: Repository,
  options: RepositoryOptions,
  notice: (line: string) => void,
): Repository {
  const read = async () => {
    try {
      return await repository.read();
    } catch (error) {
      const isUnsigned = error instanceof CodedError && error.code === 'METADATA_UNSIGNED';
      const verified = isUnsigned ? await readUnderEarlierRoot(options) : undefined;
      if (verified === undefined) throw error;
      const version = verified.root.signed.version;
      notice(`the rotation to root ${version} was not finished: going on from what was there`);
      return verified;
    }
  };
  return { ...repository, read };
}

async function readUnderEarlierRoot(
  options: RepositoryOptions,
): Promise<VerifiedMetadata | undefined> {
  const { files } = readKept(options.stateDirectory);
  const chain = walkRoots(options.root, files);
  const root = parseSignedFile(chain.newest, 'root');
  const timestamp = files.get('timestamp.json');
  if (timestamp !== undefined) {
    const isFinished = verifies(
      root,
      MetadataKind.Timestamp,
      parseSignedFile(timestamp, 'timestamp'),
    );
    if (isFinished) return undefined;
  }
  for (let version = chain.version - 1; chain.roots.has(rootFile(version)); version -= 1) {
    const verified = await readUnder(version, files, options);
    if (verified !== undefined) return { ...verified, root, isUnfinished: true };
  }
  return undefined;
}

/** Undefined when it was signed by the keys of another root still. */
async function readUnder(
  version: number,
  files: ReadonlyMap<string, Buffer>,
  options: RepositoryOptions,
): Promise<VerifiedMetadata | undefined> {
  const isLater = (file: string) => Number(/^(\d+)\.root\.json$/.exec(file)?.[1] ?? 0) > version;
  const { bucket, tree } = options;
  const inBucket = bucketSource(bucket, tree);
  const source: MetadataSource = {
    get: (file, request) =>
      isLater(file) ? Promise.reject(hidden(file)) : inBucket.get(file, request),
  };
  return await withTemporaryDirectory('rotation', async (directory) => {
    // What was seen before stays the floor against a rollback.
    keepFiles(directory, new Map([...files].filter(([file]) => !isLater(file))));
    const trust = trustOptions(options, directory);
    const acceptExpired = (await readTrusted(trust)) !== undefined;
    try {
      return verifiedMetadataOf(await refreshTree(options, { ...trust, acceptExpired }, source));
    } catch (error) {
      if (error instanceof CodedError && error.code === 'METADATA_UNSIGNED') return undefined;
      throw error;
    }
  });
}

function hidden(file: string): CodedError {
  return new CodedError(`${file} is not looked at`, { code: 'S3_NOT_FOUND' });
}
