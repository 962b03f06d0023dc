import { readFileSync } from 'node:fs';
import { requireOwn } from '../../../shared/owned-path.ts';
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
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.warn('seed.unreadable', { path, error: String(error) });
    return NOTHING;
  }
}
