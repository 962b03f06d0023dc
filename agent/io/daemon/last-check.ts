import { constants, writeFileSync } from 'node:fs';
import type { HostBucket } from '../../../bucket/bucket.ts';
import { orUndefined, withOpenFile } from '../../../shared/files.ts';
import type { Clock } from '../../ports.ts';

/**
 * A link is not followed, so root cannot overwrite another file; a FIFO does not block the loop.
 */
const FLAGS =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_TRUNC |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK;

/**
 * Returns a bucket that writes the time of its last answer to the file `path`. The file is gone
 * after a reboot, so it is neither synced nor renamed, and an idle poll causes no disk write. If it
 * cannot be written, only `mm-agent status` shows less.
 */
export function notingLastCheck(
  bucket: Pick<HostBucket, 'get'>,
  path: string,
  clock: Pick<Clock, 'now'>,
): Pick<HostBucket, 'get'> {
  return {
    async get(key, options) {
      const answer = await bucket.get(key, options);
      const text = new Date(clock.now()).toISOString();
      orUndefined(() => withOpenFile(path, FLAGS, 0o644, (fd) => writeFileSync(fd, text)));
      return answer;
    },
  };
}
