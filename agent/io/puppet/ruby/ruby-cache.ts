import type { Stats } from 'node:fs';
import { lstatSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectorySync } from '../../../../shared/disk-error.ts';
import { orUndefined } from '../../../../shared/files.ts';
import type { PuppetExit } from '../../../core/run/puppet-run.ts';
import { writeRubyCopy } from './ruby-copy.ts';

/** `preload` is the Ruby file to load before Puppet. */
export type RubyCache =
  | { readonly kind: 'ready'; readonly preload: string }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Prepares the cache of compiled Ruby for a run, which saves 47 % of the CPU of a cycle (ADR 0010,
 * 0022). The cache contains code that root will run, so it is used only if no other user can write
 * to its directory or replace it. Removes a pack that is not a private regular file.
 */
export function prepareRubyCache(directory: string, runDirectory: string): RubyCache {
  try {
    makeDirectorySync(directory, 0o700);
    const real = realpathSync(directory);
    const flaw = flawOf(real);
    if (flaw !== undefined) return { kind: 'unusable', why: flaw };
    const pack = join(real, 'pack');
    if (!isPrivateFile(pack)) rmSync(pack, { recursive: true, force: true });
    const preload = join(runDirectory, 'ruby-cache.rb');
    writeRubyCopy(preload, 'ruby_cache.rb', {
      name: 'MiyamotoRubyCache',
      constants: { PACK: pack, NOT_BELOW: dirname(runDirectory) },
    });
    return { kind: 'ready', preload };
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

/** Why others could change the content of a directory; undefined when they cannot. */
function flawOf(directory: string): string | undefined {
  const own = lstatSync(directory);
  if (!isOurs(own) || (own.mode & 0o077) !== 0) {
    return `${directory} is ${describe(own)}: wanted a directory of uid ${ourUid()}, mode 700`;
  }
  for (let path = dirname(directory); ; path = dirname(path)) {
    const parent = lstatSync(path);
    if (!isTrusted(parent)) {
      return `${path} is ${describe(parent)}: wanted one that only uid 0 and ${ourUid()} may write`;
    }
    if (path === dirname(path)) return undefined;
  }
}

/** In a directory with the sticky bit, others can neither rename nor remove our entries. */
function isTrusted({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === ourUid()) && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0);
}

function isPrivateFile(path: string): boolean {
  const found = orUndefined(() => lstatSync(path));
  return found?.isFile() === true && isOurs(found) && (found.mode & 0o077) === 0;
}

function isOurs({ uid }: Stats): boolean {
  return uid === ourUid();
}

function ourUid(): number {
  return process.geteuid?.() ?? 0;
}

function describe({ uid, mode }: Stats): string {
  return `of uid ${uid}, mode ${(mode & 0o7777).toString(8)}`;
}

/** Signals that end a program which executes invalid code. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGABRT', 'SIGFPE'];

/** Removes the cache after a crash: damaged compiled code may have been the reason. */
export function removeCacheAfterCrash(exit: PuppetExit, directory: string | undefined): void {
  const isCrash = exit.kind === 'killed' && exit.why === 'foreign' && CRASHES.includes(exit.signal);
  if (isCrash && directory !== undefined) removeRubyCache(directory);
}

/** Does not throw: a cache that cannot be removed must not prevent a run. */
export function removeRubyCache(directory: string): void {
  orUndefined(() => rmSync(directory, { recursive: true, force: true }));
}
