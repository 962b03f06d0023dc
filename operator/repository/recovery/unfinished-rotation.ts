import { CodedError } from '../../../shared/coded-error.ts';
import { keepFiles, readKept } from '../../../trust/kept/trust-directory.ts';
import type { MetadataSource } from '../../../trust/metadata/source.ts';
import { readTrusted } from '../../../trust/reader.ts';
import { rootFile, walkRoots } from '../../../trust/workflow/root-chain.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import { verifies } from '../../metadata/delegation.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { metadataSource } from '../metadata-source.ts';
import { readWhole } from '../read-bucket.ts';
import { type RepositoryOptions, trustOptions } from '../repository.ts';
import { parsedAs } from './newest-of.ts';

/**
 * Reads a bucket whose last rotation stopped between the new root and the timestamp that must
 * follow it. Hosts that have the new root refuse everything else, and so does a publisher. This
 * function verifies the files of the previous root by the same rules, as if the new root did not
 * exist. Returns undefined when that is not the cause, and when this publisher has seen the
 * rotation finished: an attacker who replays old metadata with a revoked key causes the same state.
 */
export async function readUnderEarlierRoot(
  options: RepositoryOptions,
): Promise<VerifiedMetadata | undefined> {
  const { files } = readKept(options.stateDirectory);
  const chain = walkRoots(options.root, files);
  const root = parseSignedFile(chain.newest, 'root');
  const timestamp = files.get('timestamp.json');
  const isFinished =
    timestamp !== undefined && verifies(root, 'timestamp', parseSignedFile(timestamp, 'timestamp'));
  if (isFinished) return undefined;
  for (let version = chain.version - 1; chain.roots.has(rootFile(version)); version -= 1) {
    const verified = await readUnder(version, files, options);
    if (verified !== undefined) return { ...verified, root, unfinishedSince: verified.root };
  }
  return undefined;
}

/**
 * Whether this publisher has verified the bucket before. Of a rotation that stopped, it has kept
 * the new root, and a timestamp that only an earlier root verifies.
 */
export function hasSeen({ root, stateDirectory }: RepositoryOptions): boolean {
  const { files } = readKept(stateDirectory);
  const bytes = files.get('timestamp.json');
  const timestamp = bytes && parsedAs(bytes, 'timestamp');
  if (timestamp === undefined) return false;
  const roots = [...walkRoots(root, files).roots.values()];
  return roots.some((each) => verifies(parseSignedFile(each, 'root'), 'timestamp', timestamp));
}

/** Undefined when the keys of this root have not signed it either. */
async function readUnder(
  version: number,
  files: ReadonlyMap<string, Buffer>,
  options: RepositoryOptions,
): Promise<VerifiedMetadata | undefined> {
  const isLater = (file: string) => Number(/^(\d+)\.root\.json$/.exec(file)?.[1] ?? 0) > version;
  const inBucket = metadataSource(options);
  const source: MetadataSource = {
    get: (file, request) =>
      isLater(file) ? Promise.reject(hidden(file)) : inBucket.get(file, request),
  };
  return await withTemporaryDirectory('rotation', async (directory) => {
    // The versions seen before remain the minimum, to detect a rollback.
    keepFiles(directory, new Map([...files].filter(([file]) => !isLater(file))));
    const acceptExpired = (await readTrusted(trustOptions(options, directory))) !== undefined;
    try {
      return await readWhole(options, directory, { acceptExpired, source });
    } catch (error) {
      if (error instanceof CodedError && error.code.startsWith('METADATA_')) return undefined;
      throw error;
    }
  });
}

function hidden(file: string): CodedError {
  return new CodedError(`${file} is left out`, { code: 'S3_NOT_FOUND' });
}
