import { randomBytes } from 'node:crypto';
import { lstatSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diskCode, makeDirectorySync } from '../../shared/disk-error.ts';
import { orUndefined, withOpenFile } from '../../shared/files.ts';
import type { HostPaths } from '../paths.ts';
import { freeSpace, LEFT_TO_OTHERS_BYTES } from './free-space.ts';

/*
 * A reserve is a file that only takes space. When the disk is full, it is removed for a write that
 * must not be lost, and made again right after it with what is left (ADR 0030).
 */

/**
 * Small writes and runs have a reserve each: a run takes long, and other programs may fill the
 * freed space before it ends.
 */
const RESERVES = {
  /**
   * For small files that replace older ones, which frees their space again: state, facts, metadata.
   */
  files: 1024 ** 2,
  /** For a run of Puppet that writes little. */
  run: 4 * 1024 ** 2,
} as const;
export type ReserveName = keyof typeof RESERVES;

/** The content is random, because a file system may compress zeros to nothing. */
const CHUNK_BYTES = 64 * 1024;

type Paths = Pick<HostPaths, 'reserves'>;

/**
 * Runs `write`, and once more with the space of the reserve when the disk is full. Throws what
 * `write` throws.
 */
export function withReserveSync<T>(paths: Paths, name: ReserveName, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const refill = freeFor(error, paths, name);
    try {
      return write();
    } finally {
      refill();
    }
  }
}

/** Like {@link withReserveSync}, for an asynchronous write. */
export async function withReserve<T>(
  paths: Paths,
  name: ReserveName,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const refill = freeFor(error, paths, name);
    try {
      return await write();
    } finally {
      refill();
    }
  }
}

/** Makes the reserves, or completes them, where the disk has room for that. Never throws. */
export function keepReserves(paths: Paths): void {
  for (const name of missingReserves(paths)) {
    orUndefined(() => {
      makeDirectorySync(paths.reserves, 0o700);
      const wanted = RESERVES[name] + LEFT_TO_OTHERS_BYTES;
      if (freeSpace(paths.reserves).bytes >= wanted) fill(paths, name);
    });
  }
}

/** The reserves that are missing or too small. */
export function missingReserves(paths: Paths): readonly ReserveName[] {
  const names = Object.keys(RESERVES) as ReserveName[];
  return names.filter((name) => reserveBytes(paths, name) < RESERVES[name]);
}

/**
 * Removes the reserve and returns a function that makes it again. Throws `error` when the disk is
 * not full, or when there is no reserve.
 */
function freeFor(error: unknown, paths: Paths, name: ReserveName): () => void {
  if (diskCode(error) !== 'DISK_FULL' || reserveBytes(paths, name) === 0) throw error;
  rmSync(join(paths.reserves, name), { force: true });
  return () => fill(paths, name);
}

function reserveBytes({ reserves }: Paths, name: ReserveName): number {
  const found = orUndefined(() => lstatSync(join(reserves, name)));
  return found?.isFile() === true ? found.size : 0;
}

/** On a full disk the file takes what is left. */
function fill({ reserves }: Paths, name: ReserveName): void {
  const path = join(reserves, name);
  orUndefined(() => {
    rmSync(path, { recursive: true, force: true });
    withOpenFile(path, 'wx', 0o600, (fd) => {
      const chunk = randomBytes(CHUNK_BYTES);
      for (let left: number = RESERVES[name]; left > 0; ) {
        left -= writeSync(fd, chunk, 0, Math.min(left, CHUNK_BYTES));
      }
    });
  });
}
