import { statfsSync } from 'node:fs';
import { CodedError } from '../../../shared/coded-error.ts';

/**
 * The tarball and its content: gzip shrinks text such as a control repository to about a quarter.
 */
const TIMES_THE_TARBALL = 5;
/** Reserved for other programs on the host, above all for Puppet's own state. */
const RESERVE_BYTES = 64 * 1024 ** 2;

/** Throws DISK_FULL when a release whose tarball has that many bytes may not fit. */
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

/** Returns the error itself, or DISK_FULL when the file system or a quota is the cause. */
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
