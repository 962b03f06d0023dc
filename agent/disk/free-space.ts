import { statfsSync } from 'node:fs';
import { CodedError } from '../../shared/coded-error.ts';
import { type DiskCode, readOnlyError } from '../../shared/disk-error.ts';
import { shellWord } from '../../shared/shell-word.ts';

/**
 * Space for the tarball and its content: gzip shrinks text such as a control repository to about a
 * quarter.
 */
const TIMES_THE_TARBALL = 5;
/** Space that is left to other programs on the host, above all to Puppet. */
export const LEFT_TO_OTHERS_BYTES = 64 * 1024 ** 2;

export interface FreeSpace {
  readonly bytes: number;
  /** Undefined for a file system without a fixed number of inodes. */
  readonly inodes: number | undefined;
}

/** What a directory's file system has left. Throws the errors of the file system. */
export function freeSpace(directory: string): FreeSpace {
  const { bavail, bsize, files, ffree } = statfsSync(directory);
  return { bytes: bavail * bsize, inodes: files === 0 ? undefined : ffree };
}

/** A disk with less free space counts as full, because the report of a run may not fit. */
const FULL_BYTES = 1024 ** 2;

/** What is wrong with the disk of a directory; undefined when a run can write there. */
export function diskErrorOf(directory: string): DiskCode | undefined {
  if (readOnlyError(directory) !== undefined) return 'DISK_READ_ONLY';
  const { bytes, inodes } = freeSpace(directory);
  return bytes < FULL_BYTES || inodes === 0 ? 'DISK_FULL' : undefined;
}

/** Throws DISK_FULL when a release whose tarball has that many bytes may not fit. */
export function requireFreeSpace(directory: string, tarballBytes: number): void {
  const { bytes: free } = freeSpace(directory);
  const wanted = tarballBytes * TIMES_THE_TARBALL + LEFT_TO_OTHERS_BYTES;
  if (free >= wanted) return;
  throw new CodedError(
    `too little free disk space for ${directory}: wanted ${megabytes(wanted)} (${TIMES_THE_TARBALL} times the tarball, and ${megabytes(LEFT_TO_OTHERS_BYTES)} for other programs), found ${megabytes(free)}`,
    {
      code: 'DISK_FULL',
      next: `df -h ${shellWord(directory)}`,
      details: { wantedBytes: wanted, freeBytes: free },
    },
  );
}

export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
