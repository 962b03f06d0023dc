import { statfsSync } from 'node:fs';
import { CodedError } from '../../shared/coded-error.ts';

/** A tarball and what it unpacks to: control repositories are text, which gzip shrinks to a third or a quarter. */
const TIMES_THE_TARBALL = 5;
/** For everybody else on the host, Puppet's own state first. */
const RESERVE_BYTES = 64 * 1024 ** 2;

/** Throws DISK_FULL when a release whose tarball has that many bytes had better not be begun. */
export function requireFreeSpace(directory: string, tarballBytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const wanted = tarballBytes * TIMES_THE_TARBALL + RESERVE_BYTES;
  if (free >= wanted) return;
  throw new CodedError(
    `too little free disk space for ${directory}: wanted ${megabytes(wanted)} (${TIMES_THE_TARBALL} times the tarball and ${megabytes(RESERVE_BYTES)} in reserve), found ${megabytes(free)}`,
    {
      code: 'DISK_FULL',
      next: `df ${directory}`,
      details: { wantedBytes: wanted, freeBytes: free },
    },
  );
}

/** The error itself, or DISK_FULL when the file system or the quota said so. */
export function asDiskFull(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new CodedError(`no space left for ${directory} (${code})`, {
    code: 'DISK_FULL',
    cause: error,
    next: `df ${directory}`,
  });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
