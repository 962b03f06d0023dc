import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../shared/coded-error.ts';
import { asDiskError } from '../../shared/disk-error.ts';

const CODES = { ENOSPC: 'DISK_FULL', EDQUOT: 'DISK_FULL', EROFS: 'DISK_READ_ONLY' } as const;

for (const [code, wanted] of Object.entries(CODES)) {
  test(`disk error: ${code} is ${wanted}, and names the file`, () => {
    const error = Object.assign(new Error('write'), { code, path: '/state/x.1-a.tmp' });
    for (const [given, file] of [
      ['/state/x', '/state/x'],
      [undefined, '/state/x.1-a.tmp'],
    ] as const) {
      const found = asDiskError(error, given);
      assert.ok(found instanceof CodedError);
      assert.deepEqual([found.code, found.cause], [wanted, error]);
      assert.ok(found.message.includes(`cannot write ${file}: `), found.message);
    }
  });
}

test('disk error: any other error is passed on unchanged', () => {
  const others = [
    Object.assign(new Error('write'), { code: 'EIO' }),
    new CodedError('not there', { code: 'S3_NOT_FOUND' }),
    new CodedError('no room', { code: 'DISK_FULL' }),
    'a text',
  ];
  for (const error of others) assert.equal(asDiskError(error, '/state'), error);
});
