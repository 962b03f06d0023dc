import { constants, lstatSync, rmSync, writeFileSync } from 'node:fs';
import { orUndefined, withOpenFile } from '../../../shared/files.ts';

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
 * Writes a file in the runtime directory. The file is gone after a reboot, so it is neither synced
 * nor renamed. Something else in its place is removed. Does not throw: without the file the daemon
 * only knows less.
 */
export function writeRuntimeFile(path: string, text: string): void {
  orUndefined(() => {
    const isOdd = lstatSync(path, { throwIfNoEntry: false })?.isFile() === false;
    if (isOdd) rmSync(path, { recursive: true, force: true });
    withOpenFile(path, FLAGS, 0o644, (fd) => writeFileSync(fd, text));
  });
}
