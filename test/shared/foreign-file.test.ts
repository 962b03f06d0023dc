import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { readNamed } from '../../shared/files.ts';
import { foreignText, readForeignFile } from '../../shared/foreign-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MAX = 10;

test('row 19: a regular file of the maximum size is read', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  await writeFile(path, 'x'.repeat(MAX));
  assert.deepEqual(readForeignFile(path, MAX), {
    kind: 'read',
    bytes: Buffer.from('x'.repeat(MAX)),
  });
  assert.equal(foreignText(path, MAX), 'x'.repeat(MAX));
});

test('row 19: a missing file and a file in place of a directory both count as missing', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  assert.deepEqual(readForeignFile(path, MAX), { kind: 'missing' });
  await writeFile(path, '');
  assert.deepEqual(readForeignFile(join(path, 'below'), MAX), { kind: 'missing' });
});

const ODD: Record<string, readonly [why: RegExp, make: (path: string) => unknown]> = {
  'a FIFO': [/not a regular file/, (path) => execFileSync('mkfifo', [path])],
  'a link to /dev/zero': [/link/, (path) => symlink('/dev/zero', path)],
  'a link to a small file': [
    /link/,
    async (path) => {
      await writeFile(`${path}.target`, 'x');
      await symlink(`${path}.target`, path);
    },
  ],
  'a link to nothing': [/link/, (path) => symlink('/nowhere', path)],
  'a directory': [/not a regular file/, (path) => mkdir(path)],
  'a socket': [
    /./,
    (path) =>
      new Promise<void>((resolve) => {
        createServer().listen(path, resolve).unref();
      }),
  ],
  'a file that is too large': [
    /more than 10 bytes/,
    (path) => writeFile(path, 'x'.repeat(MAX + 1)),
  ],
};

for (const [name, [why, make]] of Object.entries(ODD)) {
  test(`row 19: ${name} is refused at once`, async (t) => {
    const path = join(await temporaryDirectory(t), 'odd');
    await make(path);
    const file = readForeignFile(path, MAX);
    assert.match(file.kind === 'refused' ? file.why : file.kind, why);
    assert.equal(foreignText(path, MAX), undefined);
  });
}

test('row 19: a file that says no size, as those of /proc, is read up to the same bound', () => {
  const path = '/proc/self/status';
  if (!existsSync(path)) return;
  assert.equal(readForeignFile(path, MAX).kind, 'refused');
  assert.match(String(foreignText(path, 100_000)), /^Name:.*\nnonvoluntary/s);
});

test('row 19: of a path that a person gave, a link is followed to a regular file only', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  await writeFile(path, 'x'.repeat(MAX));
  await symlink(path, `${path}.link`);
  assert.equal(readNamed(`${path}.link`, MAX).toString(), 'x'.repeat(MAX));
  assert.throws(() => readNamed(`${path}.link`, MAX - 1), /more than 9 bytes/);
  await symlink('/dev/zero', `${path}.zero`);
  assert.throws(() => readNamed(`${path}.zero`, MAX), /not a regular file/);
});

test('row 19: an endless device is refused', () => {
  const file = readForeignFile('/dev/zero', MAX);
  assert.deepEqual(file, { kind: 'refused', why: 'it is not a regular file' });
});
