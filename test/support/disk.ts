import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isRoot } from './ordinary-user.ts';

/** Whether this user may mount: neither an ordinary user may, nor root in some containers. */
export const canMount =
  isRoot && process.platform === 'linux' && spawnSync('unshare', ['--mount', 'true']).status === 0;

/** Real file systems for one test. */
export interface Disks {
  /**
   * Mounts a small file system in memory on the directory. The returned function changes its
   * options.
   */
  mountSmall(directory: string, options: string): (options: string) => void;
  /** The directory cannot be written any more, until the returned function is called. */
  makeReadOnly(directory: string): () => void;
}

/** To be called before the directories are made: the hooks of a test run in their order. */
export function disks(t: TestContext): Disks {
  const mounted: string[] = [];
  t.after(() => {
    for (const directory of mounted.reverse()) command('umount', '--lazy', directory);
  });
  const mount = (directory: string, ...words: readonly string[]): void => {
    mkdirSync(directory, { recursive: true });
    command('mount', ...words, directory);
    mounted.push(directory);
  };
  return {
    mountSmall(directory, options) {
      mount(directory, '-t', 'tmpfs', '-o', `mode=700,${options}`, 'mm-test');
      return (others) => command('mount', '-o', `remount,${others}`, directory);
    },
    makeReadOnly(directory) {
      mount(directory, '--bind', directory);
      command('mount', '-o', 'remount,ro,bind', directory);
      return () => command('mount', '-o', 'remount,rw,bind', directory);
    },
  };
}

/** Fills the file system of the directory to the last byte. */
export function fillSpace(directory: string): void {
  const fd = openSync(join(directory, 'filler'), 'a');
  try {
    for (let size = 1024 ** 2; size >= 1; ) {
      if (written(fd, size) < size) size = Math.floor(size / 2);
    }
  } finally {
    closeSync(fd);
  }
}

/** Uses up the inodes of the file system of the directory. */
export function fillInodes(directory: string): void {
  const fillers = join(directory, 'fillers');
  mkdirSync(fillers);
  try {
    for (let number = 0; ; number += 1) writeFileSync(join(fillers, String(number)), '');
  } catch {
    // This was the last one.
  }
}

function written(fd: number, size: number): number {
  try {
    return writeSync(fd, Buffer.alloc(size));
  } catch {
    return 0;
  }
}

function command(name: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(name, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${stderr}`);
}
