import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { CodedError } from './coded-error.ts';
import { shellWord } from './shell-word.ts';

/** The kernel follows at most this many links. */
const MAX_LINKS = 40;

/** A file, directory or link that users other than root and the user of this process can change. */
export interface UnsafePath {
  /** The path that they can change: the checked path, or one that it goes through. */
  readonly path: string;
  readonly why: 'owner' | 'mode';
  readonly uid: number;
  readonly mode: number;
}

/**
 * Follows a path as the kernel does and checks each directory and link on the way, from `/` on.
 * Returns the first one that another user can change. Undefined when only `uid` and root can change
 * them, and for what does not exist. A sticky directory such as /tmp is allowed, because users
 * cannot replace files of others in it. A group with the number of the user counts as its private
 * group.
 */
export function findUnsafe(path: string, uid = process.geteuid?.() ?? 0): UnsafePath | undefined {
  let parts = resolve(path).split('/').slice(1);
  let current = '/';
  let links = 0;
  for (;;) {
    const found = lookAt(current);
    if (found === undefined || links > MAX_LINKS) return undefined;
    if (found.uid !== uid && found.uid !== 0) return unsafe(current, 'owner', found);
    if (found.isSymbolicLink()) {
      links += 1;
      const target = readlinkSync(current);
      parts = [...target.split('/').filter((part) => part !== ''), ...parts];
      current = isAbsolute(target) ? '/' : dirname(current);
      continue;
    }
    if (isWritableByOthers(found, uid)) return unsafe(current, 'mode', found);
    const next = parts.shift();
    if (next === undefined) return undefined;
    current = join(current, next);
  }
}

/** Returns undefined when the entry cannot be examined: this user cannot open it either. */
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Throws FILE_UNSAFE when another user can change what the path leads to. `what` names the file in
 * the message, for example "the configuration". `uid` is the user who may own it, by default the
 * user of this process.
 */
export function requireOwn(path: string, what: string, uid?: number): void {
  const found = findUnsafe(path, uid);
  if (found === undefined) return;
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  const [why, next] =
    found.why === 'owner'
      ? [
          `belongs to user ${found.uid}`,
          `if it is yours: chown ${process.geteuid?.()} ${shellWord(found.path)}`,
        ]
      : [`can be written by others, mode ${mode}`, `chmod go-w ${shellWord(found.path)}`];
  const place = found.path === path ? path : `${path}: ${found.path}`;
  throw new CodedError(`${what} ${place} ${why}; it must belong to you or root alone`, {
    code: 'FILE_UNSAFE',
    next,
    details: { path, found: found.path, uid: found.uid, mode },
  });
}

function isWritableByOthers(found: Stats, uid: number): boolean {
  const isSticky = found.isDirectory() && (found.mode & 0o1000) !== 0;
  if (isSticky) return false;
  const isGroupTrusted = found.gid === 0 || found.gid === uid;
  return (found.mode & 0o002) !== 0 || ((found.mode & 0o020) !== 0 && !isGroupTrusted);
}

function unsafe(path: string, why: UnsafePath['why'], { uid, mode }: Stats): UnsafePath {
  return { path, why, uid, mode };
}
