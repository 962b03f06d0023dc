import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sha256Node } from '@smithy/core/checksum';
import { Sha256 } from '../../../../bucket/s3/light/sha256.ts';

const bytes = new Uint8Array(40).fill(7);
const SECRETS = [undefined, 'secret', 'another', bytes, bytes.subarray(3), bytes.buffer, 'secret'];

test('sha256: the same digests as the class of the SDK, for each kind of key', async () => {
  for (const secret of SECRETS) {
    const digests = [new Sha256(secret), new Sha256Node(secret)].map(async (hash) => {
      hash.update(Buffer.from('forgotten'));
      hash.reset();
      hash.update(Buffer.from('a'));
      hash.update(Buffer.from('b'));
      return Buffer.from(await hash.digest()).toString('hex');
    });
    const [ours, theirs] = await Promise.all(digests);
    assert.equal(ours, theirs, String(secret));
  }
});
