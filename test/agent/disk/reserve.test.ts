import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  keepReserves,
  missingReserves,
  withReserve,
  withReserveSync,
} from '../../../agent/disk/reserve.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

async function reserves(t: TestContext) {
  const paths = { reserves: join(await temporaryDirectory(t), 'reserves') };
  keepReserves(paths);
  return { paths, file: join(paths.reserves, 'files') };
}

const full = (code = 'ENOSPC') => Object.assign(new Error('write'), { code });

const errors: Record<string, Error> = {
  'no space': full(),
  'a quota': full('EDQUOT'),
  'an error with a code': new CodedError('no room', { code: 'DISK_FULL' }),
};
for (const [name, error] of Object.entries(errors)) {
  test(`reserve: after ${name} the write is repeated without the reserve, which is then made again`, async (t) => {
    const { paths, file } = await reserves(t);
    const write = () => {
      if (existsSync(file)) throw error;
      return 'written';
    };
    assert.equal(withReserveSync(paths, 'files', write), 'written');
    assert.equal((await stat(file)).size, 1024 ** 2);
    assert.equal(await withReserve(paths, 'files', async () => write()), 'written');
    assert.deepEqual(missingReserves(paths), []);
  });
}

test('reserve: each has its own space', async (t) => {
  const { paths, file } = await reserves(t);
  assert.throws(() =>
    withReserveSync(paths, 'run', () => {
      assert.ok(existsSync(file));
      throw full();
    }),
  );
  assert.equal((await stat(join(paths.reserves, 'run'))).size, 4 * 1024 ** 2);
});

test('reserve: another error, and a full disk without a reserve, are passed on at once', async (t) => {
  const { paths, file } = await reserves(t);
  let writes = 0;
  const failing = (error: Error) => () => {
    writes += 1;
    throw error;
  };
  assert.throws(() => withReserveSync(paths, 'files', failing(full('EIO'))), { code: 'EIO' });
  await truncate(file, 0);
  assert.throws(() => withReserveSync(paths, 'files', failing(full())), { code: 'ENOSPC' });
  assert.equal(writes, 2);
});

test('reserve: one that others shortened is made whole, and it does not compress', async (t) => {
  const { paths, file } = await reserves(t);
  await writeFile(file, 'short');
  assert.deepEqual(missingReserves(paths), ['files']);
  keepReserves(paths);
  const bytes = await readFile(file);
  assert.equal(bytes.length, 1024 ** 2);
  assert.ok(new Set(bytes.subarray(0, 4096)).size > 200);
});
