import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a mishap, or another user, can leave in the place of a file or directory. */
export const ODD_FILES: Readonly<Record<string, (path: string) => void>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', ['-m', '600', path]),
  'a directory with a file': (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), '');
    // As a lock, it is one that nobody renews.
    utimesSync(path, 1, 1);
  },
  // The path of a socket has at most 107 bytes.
  'a socket': (path) => {
    const socket = `${tmpdir()}/mm-socket-${process.pid}`;
    const server = createServer().listen(socket);
    renameSync(socket, path);
    server.close();
  },
  'a link to nothing': (path) => symlinkSync('/nowhere/at/all', path),
  'a link to /dev/zero': (path) => symlinkSync('/dev/zero', path),
  'a link to itself': (path) => symlinkSync(path, path),
  'an empty file': (path) => writeFileSync(path, '', { mode: 0o600 }),
  'random bytes': (path) => writeFileSync(path, randomBytes(400), { mode: 0o600 }),
  '1 GB of nothing': (path) => {
    writeFileSync(path, '', { mode: 0o600 });
    truncateSync(path, 1024 ** 3);
  },
};

/** Text of the system, or a stack, which says nothing to a person. */
export const RAW = /\bE[A-Z]{4,}: |\n {4}at |\\n {4}at /;
