import { writeFileSync } from 'node:fs';
import type { HostBucket } from '../../../bucket/bucket.ts';
import { orUndefined } from '../../../shared/files.ts';
import type { Clock } from '../../ports.ts';

/**
 * A bucket that notes in the file `path` when it last answered. The file is gone after a reboot, so neither synced nor
 * renamed: the idle poll writes nothing to the disk. Where it cannot be written, `mm-agent status` knows less, and
 * nothing else does.
 */
export function notingLastCheck(
  bucket: Pick<HostBucket, 'get'>,
  path: string,
  clock: Pick<Clock, 'now'>,
): Pick<HostBucket, 'get'> {
  return {
    async get(key, options) {
      const answer = await bucket.get(key, options);
      orUndefined(() => writeFileSync(path, new Date(clock.now()).toISOString()));
      return answer;
    },
  };
}
