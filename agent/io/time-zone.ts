import { lstatSync, type Stats, statSync } from 'node:fs';

const LOCALTIME = '/etc/localtime';

/**
 * Returns a function that makes Node read the host's time zone again when it was changed; to be
 * called before local time is used. Node reads `/etc/localtime` once, when it starts. When TZ is
 * set, it is the zone, and no file is read.
 */
export function followTimeZone(env: NodeJS.ProcessEnv, path = LOCALTIME): () => void {
  let known = identity(path);
  return () => {
    if (env['TZ'] !== undefined) return;
    const now = identity(path);
    if (now === known) return;
    known = now;
    // Node forgets the zone whenever this variable changes, and reads the file when it is not set.
    env['TZ'] = 'UTC';
    delete env['TZ'];
  };
}

/** Identifies the file and, when it is a link as on most systems, the link. */
function identity(path: string): string {
  return [lstatSync, statSync].map((read) => describe(read, path)).join(' ');
}

function describe(read: typeof statSync, path: string): string {
  const found: Stats | undefined = read(path, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`;
}
