import { basename } from 'node:path';
import { isFileError, readNamed } from '../../../shared/files.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import { maxBytesOf } from '../../../trust/metadata/file-limits.ts';
import type { PackagedSeeds } from '../../agent.ts';
import type { HostPaths } from '../../paths.ts';
import type { Log } from '../../ports.ts';

const NOTHING = Buffer.alloc(0);

/**
 * The seeds that were installed, undefined when neither was. One without the other, or one that
 * cannot be read, counts as empty: a new host then refuses everything and reports why, and a host
 * that knows newer metadata does not need them. Throws FILE_UNSAFE when another user could change
 * one: an older seed would lower the rollback floor of a new host.
 */
export function readPackagedSeeds(
  paths: Pick<HostPaths, 'timestampSeed' | 'snapshotSeed'>,
  log: Log,
): PackagedSeeds | undefined {
  const timestamp = readSeed(paths.timestampSeed, log);
  const snapshot = readSeed(paths.snapshotSeed, log);
  if (timestamp === undefined && snapshot === undefined) return undefined;
  return { timestamp: timestamp ?? NOTHING, snapshot: snapshot ?? NOTHING };
}

function readSeed(path: string, log: Log): Buffer | undefined {
  requireOwn(path, 'the packaged seed');
  try {
    return readNamed(path, maxBytesOf(basename(path)));
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    log.warn('seed.unreadable', { path, error: String(error) });
    return NOTHING;
  }
}
