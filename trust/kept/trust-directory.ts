import {
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { syncDirectorySync, writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { asDiskError, asFileError } from '../../shared/disk-error.ts';
import { isFileError, withOpenFile } from '../../shared/files.ts';
import { ownText, readForeignFile } from '../../shared/foreign-file.ts';
import { maxBytesOf } from '../metadata/file-limits.ts';
import { MAX_VERSION } from '../metadata/version-limits.ts';

/*
 * The files below `<state>/trust`:
 *
 * current -> generation-x7Kq2a    replaced by rename: the trusted files are the old or the new ones
 * generation-x7Kq2a/3.root.json   each root since the installed one; timestamp.json and the others
 * record.json                     what no signed file says
 */
const CURRENT = 'current';
const RECORD = 'record.json';

/** ms since 1970, up to the last Date. A damaged time counts as 0, so that the rest stays. */
const Time = z.int().min(0).max(8.64e15).catch(0);

/** Stored beside the signed files. When it is lost, the next refresh asks for a newer root. */
const TrustRecord = z.object({
  /** sha256 of the installed root.json that the files were verified from. */
  anchor: z.string(),
  /** The version of the newest root ever verified. No older root is accepted again. */
  rootVersion: z.int().min(1).max(MAX_VERSION),
  /** When a newer root was last asked for, ms since 1970. */
  askedForRootAt: Time,
  /** No refresh believes that it is earlier than this, ms since 1970; 0 before the first answer. */
  clockFloor: Time,
  /** Roles whose file had an `x-role`, even when the file is no longer kept. */
  named: z._default(z.array(z.string()), []),
});
export type TrustRecord = Readonly<z.infer<typeof TrustRecord>>;

export interface KeptTrust {
  /** By file name, as read from the disk. Not verified yet. */
  readonly files: ReadonlyMap<string, Buffer>;
  /**
   * False when the link, or its target, is lost. The files may then be older than those that the
   * last refresh kept.
   */
  readonly isCurrent: boolean;
  readonly record: TrustRecord | undefined;
}

/**
 * Reads what an earlier refresh kept. Files that are missing, damaged or larger than any that are
 * kept are left out.
 */
export function readKept(directory: string): KeptTrust {
  const files = new Map<string, Buffer>();
  // Resolved once: the link may move to another generation between two files.
  const { name: current, isCurrent } = currentGeneration(directory);
  const generation = join(directory, current ?? CURRENT);
  for (const name of namesIn(generation)) {
    const file = readForeignFile(join(generation, name), maxBytesOf(name));
    if (file.kind === 'read') files.set(name, file.bytes);
  }
  return { files, isCurrent, record: readRecord(join(directory, RECORD)) };
}

/**
 * Copies what a refresh would start from into another directory, for one that must change nothing.
 * Whatever else is in the directory is left out.
 */
export function copyKept(from: string, to: string): void {
  const { files, isCurrent, record } = readKept(from);
  const generation = 'generation-copy';
  mkdirSync(join(to, generation), { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(to, generation, name), bytes);
  if (isCurrent) symlinkSync(generation, join(to, CURRENT));
  if (record !== undefined) writeFileSync(join(to, RECORD), JSON.stringify(record));
}

/**
 * Replaces the trusted files in one step. A crash at any moment leaves all old files or all new
 * ones.
 */
export function keepFiles(directory: string, files: ReadonlyMap<string, Buffer>): void {
  const generation = newGeneration(directory);
  const link = `${generation}.tmp`;
  try {
    for (const [name, bytes] of files) writeDurably(join(generation, name), bytes);
    syncDirectorySync(generation);
    symlinkSync(basename(generation), link);
    renameSync(link, join(directory, CURRENT));
  } catch (error) {
    rmSync(link, { force: true });
    rmSync(generation, { recursive: true, force: true });
    throw asFileError(asDiskError(error, directory));
  }
  syncDirectorySync(directory);
}

function newGeneration(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true });
    return mkdtempSync(join(directory, 'generation-'));
  } catch (error) {
    throw asFileError(error, directory);
  }
}

export function writeRecord(directory: string, record: TrustRecord): void {
  try {
    mkdirSync(directory, { recursive: true });
    writeFileAtomicSync(join(directory, RECORD), `${JSON.stringify(record)}\n`);
  } catch (error) {
    throw asFileError(error, join(directory, RECORD));
  }
}

/** No refresh believes that it is earlier than this, ms since 1970; 0 when nothing is kept. */
export function readClockFloor(directory: string): number {
  return readRecord(join(directory, RECORD))?.clockFloor ?? 0;
}

/** Forgets that floor and returns it. The caller holds the lock that a refresh needs. */
export function resetClockFloor(directory: string): number {
  const record = readRecord(join(directory, RECORD));
  if (record === undefined || record.clockFloor === 0) return 0;
  writeRecord(directory, { ...record, clockFloor: 0 });
  return record.clockFloor;
}

/** Removes earlier generations, and the files of a refresh that was killed. */
export function removeLeftovers(directory: string): void {
  const names = namesIn(directory);
  if (names.every((name) => name === CURRENT || name === RECORD)) return;
  const { name: current } = currentGeneration(directory);
  for (const name of names) {
    const isLeftover = name.endsWith('.tmp') || name.startsWith('generation-');
    if (isLeftover && name !== current) {
      rmSync(join(directory, name), { recursive: true, force: true });
    }
  }
}

/**
 * A lost link must not lose the files, because the host would then forget which versions it has
 * seen.
 */
function currentGeneration(directory: string): {
  readonly name: string | undefined;
  readonly isCurrent: boolean;
} {
  const generations = namesIn(directory).filter((name) => name.startsWith('generation-'));
  const linked = linkedGeneration(join(directory, CURRENT));
  if (linked !== undefined && generations.includes(linked))
    return { name: linked, isCurrent: true };
  const version = (name: string) => timestampVersion(join(directory, name, 'timestamp.json'));
  const [name] = generations.sort((a, b) => version(b) - version(a));
  return { name, isCurrent: false };
}

/** Not verified: it only chooses between files that this machine wrote. */
function timestampVersion(path: string): number {
  try {
    const { signed } = JSON.parse(ownText(path) ?? '') as { signed: { version: unknown } };
    return Number(signed.version) || 0;
  } catch {
    return 0;
  }
}

/** Undefined also when something else is in the place of the link. */
function linkedGeneration(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (isFileError(error, 'ENOENT') || isFileError(error, 'EINVAL')) return undefined;
    throw asFileError(error);
  }
}

/** Anything but a directory holds no files. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => isFileError(error, code))) return [];
    throw asFileError(error);
  }
}

function readRecord(path: string): TrustRecord | undefined {
  try {
    return TrustRecord.safeParse(JSON.parse(ownText(path) ?? '')).data;
  } catch {
    return undefined;
  }
}

function writeDurably(path: string, bytes: Buffer): void {
  withOpenFile(path, 'wx', 0o644, (fd) => {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  });
}
