import type { Stats } from 'node:fs';
import { lstatSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../../../shared/files.ts';
import type { PuppetExit } from '../../../ports.ts';
import { rubyCachePreload } from './ruby-cache-preload.ts';

/** Whether a run may use compiled Ruby of earlier runs: with the Ruby file to load first, or why not. */
export type RubyCache =
  | { readonly kind: 'ready'; readonly preload: string }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Makes the cache ready for a run. What lies in it is code that root will run: nobody else may write the directory, or
 * put another in its place, else it is not used. What is in the place of the pack and can't be one is removed.
 */
export function prepareRubyCache(directory: string, runDirectory: string): RubyCache {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const real = realpathSync(directory);
    const flaw = flawOf(real);
    if (flaw !== undefined) return { kind: 'unusable', why: flaw };
    const pack = join(real, 'pack');
    if (!isPrivateFile(pack)) rmSync(pack, { recursive: true, force: true });
    const preload = join(runDirectory, 'ruby-cache.rb');
    writeFileSync(preload, rubyCachePreload(pack, dirname(runDirectory)));
    return { kind: 'ready', preload };
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

/** Why others could change what lies in a directory, or undefined. */
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

/** With the sticky bit nobody else can rename or remove what is ours. */
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

/** Signals by which a program ends itself, or is ended by the kernel, over what it can't go on with. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGABRT', 'SIGFPE'];

/** A Ruby that crashed may have crashed over its compiled code: the next run compiles afresh. */
export function distrustAfter(exit: PuppetExit, directory: string | undefined): void {
  const isCrash = exit.kind === 'killed' && exit.why === 'foreign' && CRASHES.includes(exit.signal);
  if (isCrash && directory !== undefined) removeRubyCache(directory);
}

/** Never throws: what can't be removed is no reason not to run. */
export function removeRubyCache(directory: string): void {
  orUndefined(() => rmSync(directory, { recursive: true, force: true }));
}
