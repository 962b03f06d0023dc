import {
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { syncDirectorySync, writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { asDiskError } from '../../shared/disk-error.ts';
import { withOpenFile } from '../../shared/files.ts';

/*
 * The files below `<state>/trust`:
 *
 * current -> generation-x7Kq2a    replaced by rename: the trusted files are the old or the new ones
 * generation-x7Kq2a/3.root.json   each root since the installed one; timestamp.json and the others
 * record.json                     what no signed file says
 */
const CURRENT = 'current';
const RECORD = 'record.json';

/** Stored beside the signed files. When it is lost, the next refresh asks for a newer root. */
const TrustRecord = z.object({
  /** sha256 of the installed root.json that the files were verified from. */
  anchor: z.string(),
  /** The version of the newest root ever verified. No older root is accepted again. */
  rootVersion: z.int().min(1),
  /** When a newer root was last asked for, ms since 1970. */
  askedForRootAt: z.int(),
  /** No refresh believes that it is earlier than this, ms since 1970; 0 before the first answer. */
  clockFloor: z._default(z.int(), 0),
  /** Roles whose file named them, also when the file is not kept any more. */
  named: z._default(z.array(z.string()), []),
});
export type TrustRecord = Readonly<z.infer<typeof TrustRecord>>;

export interface KeptTrust {
  /** By file name, as read from the disk. Not verified yet. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly record: TrustRecord | undefined;
}

/** Reads what an earlier refresh kept. Files that are missing or cannot be parsed are left out. */
export function readKept(directory: string): KeptTrust {
  const files = new Map<string, Buffer>();
  // Resolved once: the link may move to another generation between two files.
  const generation = join(directory, currentGeneration(directory) ?? CURRENT);
  for (const name of namesIn(generation)) {
    files.set(name, readFileSync(join(generation, name)));
  }
  return { files, record: readRecord(join(directory, RECORD)) };
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
    throw asDiskError(error, directory);
  }
  syncDirectorySync(directory);
}

function newGeneration(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true });
    return mkdtempSync(join(directory, 'generation-'));
  } catch (error) {
    throw asDiskError(error, directory);
  }
}

export function writeRecord(directory: string, record: TrustRecord): void {
  try {
    mkdirSync(directory, { recursive: true });
    writeFileAtomicSync(join(directory, RECORD), `${JSON.stringify(record)}\n`);
  } catch (error) {
    throw asDiskError(error, join(directory, RECORD));
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
  const current = currentGeneration(directory);
  for (const name of names) {
    const isLeftover = name.endsWith('.tmp') || name.startsWith('generation-');
    if (isLeftover && name !== current) {
      rmSync(join(directory, name), { recursive: true, force: true });
    }
  }
}

/** A lost link must not lose the files: with them, the host would forget what it has seen. */
function currentGeneration(directory: string): string | undefined {
  const generations = namesIn(directory).filter((name) => name.startsWith('generation-'));
  const linked = linkedGeneration(join(directory, CURRENT));
  if (linked !== undefined && generations.includes(linked)) return linked;
  const version = (name: string) => timestampVersion(join(directory, name, 'timestamp.json'));
  return generations.sort((a, b) => version(b) - version(a))[0];
}

/** Not verified: it only chooses between files that this machine wrote. */
function timestampVersion(path: string): number {
  try {
    const { signed } = JSON.parse(readFileSync(path, 'utf8')) as { signed: { version: unknown } };
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
    if (isCode(error, 'ENOENT') || isCode(error, 'EINVAL')) return undefined;
    throw error;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function readRecord(path: string): TrustRecord | undefined {
  try {
    return TrustRecord.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function writeDurably(path: string, bytes: Buffer): void {
  withOpenFile(path, 'wx', 0o644, (fd) => {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
