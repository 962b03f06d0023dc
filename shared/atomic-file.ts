import {
  fchmodSync,
  fsyncSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isFileError, orUndefined, withOpenFile } from './files.ts';

interface FileOptions {
  /** Independent of the umask. By default 0644, less what the umask forbids. */
  readonly mode?: number;
}

/**
 * Writes a file so that after a crash or power cut it has the old content or the new, never a part:
 * temporary file in the same directory, sync, rename, sync of the directory. A failed write leaves
 * nothing behind.
 */
export function writeFileAtomicSync(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): void {
  replace(path, content, options, fsyncSync);
  syncDirectorySync(dirname(path));
}

/**
 * Writes a file so that a reader finds the old content or the new. After a power cut it may have
 * any content. A failed write leaves nothing behind.
 */
export function replaceFileSync(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): void {
  replace(path, content, options, () => undefined);
}

function replace(
  path: string,
  content: string | Uint8Array,
  { mode: wanted, mode = 0o644 }: FileOptions,
  finish: (fd: number) => void,
): void {
  // The name can be guessed, so another user may have made a link there. `wx` never opens an
  // existing file.
  const temporary = temporaryPath(path);
  try {
    withOpenFile(temporary, 'wx', mode, (fd) => {
      if (wanted !== undefined) fchmodSync(fd, wanted);
      writeFileSync(fd, content);
      finish(fd);
    });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  removeLeftovers(path);
}

/** Returns a new path beside `path`, which `removeLeftovers` deletes when its maker is killed. */
export function temporaryPath(path: string): string {
  return `${path}.${process.pid}-${randomName()}${SUFFIX}`;
}

const SUFFIX = '.tmp';
const LEFTOVER = /^\.(\d+)-[0-9a-f]{12}\.tmp$/;
/**
 * No write lasts that long, so the pid in the name of an older file belongs to another process by
 * now.
 */
const LEFTOVER_MS = 60_000;

/** Deletes what killed processes left beside `path` under a temporary path. Never throws. */
export function removeLeftovers(path: string): void {
  orUndefined(() => removeFilesOfKilled(path));
}

function removeFilesOfKilled(path: string): void {
  const directory = dirname(path);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(basename(path))) continue;
    const [, writer] = LEFTOVER.exec(name.slice(basename(path).length)) ?? [];
    if (writer === undefined) continue;
    const leftover = join(directory, name);
    const { mtimeMs } = lstatSync(leftover);
    const isOld = Math.abs(Date.now() - mtimeMs) > LEFTOVER_MS;
    if (isOld || !isRunning(Number(writer))) rmSync(leftover, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !isFileError(error, 'ESRCH');
  }
}

/** Loaded on demand: `mm-agent --version` does not need it. */
function randomName(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(6).toString('hex');
}

/** Makes renames and new names in the directory durable; without it a power cut can undo them. */
export function syncDirectorySync(path: string): void {
  withOpenFile(path, 'r', undefined, fsyncSync);
}
