import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { programStamp } from './program.ts';
import { VERSION } from './version.ts';

/**
 * Keeps what V8 makes of this program's code below the state directory: a cycle starts a third faster. Node checks that
 * an entry belongs to the source as it is now and is whole. It is code that root will run, so it lies where root alone
 * can write, and a directory that others own or may write makes room for one of our own. Never throws: without it all is well, too.
 */
export function useCompileCache(stateDirectory: string): void {
  const all = join(stateDirectory, 'compile-cache');
  const own = join(all, VERSION);
  try {
    if (programStamp() === undefined) return;
    if (!existsSync(stateDirectory)) return; // nothing is made before the configuration was found
    if (!(isOwn(all) && isOwn(own))) {
      rmSync(all, { recursive: true, force: true }); // those of other versions
      mkdirSync(own, { recursive: true, mode: 0o700 });
    }
    enableCompileCache(own);
  } catch {}
}

function isOwn(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
}
