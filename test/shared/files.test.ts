import assert from 'node:assert/strict';
import { Stats } from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as files from '../../shared/files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What `shared/files.ts` answers, and how it fails, against Node's own functions of the same names. */

type Module = typeof files;

/** Each is done in a directory of its own that has `file` ("some text"), `full/inner`, and `link` to `file`. */
const CALLS: Readonly<Record<string, (fs: Module, at: (name: string) => string) => unknown>> = {
  'access a file': (fs, at) => fs.access(at('file')),
  'access nothing': (fs, at) => fs.access(at('none')),
  'chmod a file': (fs, at) => fs.chmod(at('file'), 0o600).then(() => fs.stat(at('file'))),
  'chmod nothing': (fs, at) => fs.chmod(at('none'), 0o600),
  'lstat a link': (fs, at) => fs.lstat(at('link')),
  'lstat nothing': (fs, at) => fs.lstat(at('none')),
  'mkdir with a mode': (fs, at) =>
    fs.mkdir(at('new'), { mode: 0o700 }).then(() => fs.stat(at('new'))),
  'mkdir where there is one': (fs, at) => fs.mkdir(at('full')),
  'mkdir on the way': (fs, at) =>
    fs.mkdir(at('a/b'), { recursive: true }).then(() => fs.readdir(at('a'))),
  'mkdir below a file': (fs, at) => fs.mkdir(at('file/a'), { recursive: true }),
  'mkdtemp below nothing': (fs, at) => fs.mkdtemp(at('none/x-')),
  'readdir a directory': async (fs, at) => (await fs.readdir(at('full'))).sort(),
  'readdir all that is below': async (fs, at) =>
    (await fs.readdir(at('.'), { recursive: true })).sort(),
  'readdir a file': (fs, at) => fs.readdir(at('file')),
  'readFile as bytes': (fs, at) => fs.readFile(at('file')),
  'readFile as text': (fs, at) => fs.readFile(at('file'), 'utf8'),
  'readFile a directory': (fs, at) => fs.readFile(at('full')),
  'readFile nothing': (fs, at) => fs.readFile(at('none'), 'utf8'),
  'readlink a link': (fs, at) => fs.readlink(at('link')),
  'readlink a file': (fs, at) => fs.readlink(at('file')),
  'realpath nothing': (fs, at) => fs.realpath(at('none')),
  'rename a file': (fs, at) =>
    fs.rename(at('file'), at('other')).then(() => fs.readFile(at('other'), 'utf8')),
  'rename onto a directory': (fs, at) => fs.rename(at('file'), at('full')),
  'rm a link, not what it leads to': (fs, at) =>
    fs.rm(at('link')).then(() => fs.readFile(at('file'), 'utf8')),
  'rm a directory without a word': (fs, at) => fs.rm(at('full')),
  'rm all of a directory': (fs, at) =>
    fs.rm(at('full'), { recursive: true }).then(() => fs.access(at('full'))),
  'rm nothing': (fs, at) => fs.rm(at('none')),
  'rm nothing, by force': (fs, at) => fs.rm(at('none'), { force: true }),
  'rm below nothing, by force': (fs, at) => fs.rm(at('none/x'), { recursive: true, force: true }),
  'rmdir a full one': (fs, at) => fs.rmdir(at('full')),
  'stat nothing': (fs, at) => fs.stat(at('none')),
  'statfs nothing': (fs, at) => fs.statfs(at('none')),
  'symlink, dangling': (fs, at) =>
    fs.symlink('nowhere', at('dangling')).then(() => fs.readlink(at('dangling'))),
  'symlink where there is one': (fs, at) => fs.symlink('nowhere', at('link')),
  'writeFile anew': (fs, at) =>
    fs.writeFile(at('file'), 'new').then(() => fs.readFile(at('file'), 'utf8')),
  'writeFile with a mode': (fs, at) =>
    fs.writeFile(at('new'), Buffer.from('x'), { mode: 0o600 }).then(() => fs.stat(at('new'))),
  'writeFile below nothing': (fs, at) => fs.writeFile(at('none/x'), 'x'),
  'open nothing': (fs, at) => fs.open(at('none'), 'r'),
  'open what must not be there': (fs, at) => fs.open(at('file'), 'wx'),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`files: ${name}, as Node's own`, async (t) => {
    const [ours, theirs] = await Promise.all(
      [files, promises as unknown as Module].map(async (fs) => {
        const directory = await temporaryDirectory(t);
        await promises.writeFile(join(directory, 'file'), 'some text');
        await promises.mkdir(join(directory, 'full'));
        await promises.writeFile(join(directory, 'full/inner'), '');
        await promises.symlink('file', join(directory, 'link'));
        return await endOf(() => call(fs, (path) => join(directory, path)));
      }),
    );
    assert.deepEqual(ours, theirs);
  });
}

async function endOf(call: () => unknown): Promise<unknown> {
  // Thrown at once it would pass by a `.catch()`.
  const promise = call();
  assert.ok(promise instanceof Promise);
  try {
    const value: unknown = await promise;
    return value instanceof Stats ? { mode: value.mode, size: value.size } : value;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    return { code, syscall };
  }
}

test('files: rm is by force where a file is in the way, and does not say what below it cannot be removed', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  await promises.writeFile(path, '');
  const options = { recursive: true, force: true };
  await assert.rejects(promises.rm(join(path, 'x'), options), { code: 'ENOTDIR' });
  await files.rm(join(path, 'x'), options);
});

test('files: an open file is written, read and closed as it is asked', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  {
    await using file = await files.open(path, 'wx', 0o600);
    await file.write('some ');
    await file.write(Buffer.from('text'));
    await file.sync();
    assert.equal((await file.stat()).size, 9);
  }
  assert.equal((await promises.stat(path)).mode & 0o777, 0o600);
  await using file = await files.open(path, 'r');
  const chunk = Buffer.alloc(5);
  assert.equal(await file.read(chunk, 1, 4), 4);
  assert.equal(chunk.toString(), '\0some');
  assert.equal(await file.readFile('utf8'), ' text');
  assert.equal(await file.read(chunk, 0, 5), 0);
  await file.close();
  await assert.rejects(file.stat(), { code: 'ERR_OUT_OF_RANGE' });
});
