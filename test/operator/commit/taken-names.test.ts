import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Bucket } from '../../../bucket/bucket.ts';
import { metadataKey } from '../../../bucket/layout.ts';
import type { Signer } from '../../../operator/keys/public/signer.ts';
import { BUCKET, snapshotOf, TREE } from '../operator-lab.ts';
import { hasCode } from './accepted.ts';
import { sharedTree } from './shared-tree.ts';

/**
 * Who can write to the bucket, and has no key, must not make a person touch a token again and
 * again.
 */

async function countingPublisher(t: TestContext) {
  const tree = await sharedTree(t);
  const counted = { signatures: 0 };
  const { operator } = tree;
  const signer: Signer = {
    ...operator,
    async sign(bytes) {
      counted.signatures += 1;
      return await operator.sign(bytes);
    },
  };
  const notices: string[] = [];
  const keyring = { place: 'a token', signers: [signer] };
  const notice = (line: string) => void notices.push(line);
  const publisher = await tree.publisher({ keyring, notice });
  return { ...tree, ...publisher, counted, notices };
}

const key = (file: string) => metadataKey(TREE, file);

const withPut = (bucket: Bucket, put: Bucket['put']): Bucket => ({
  name: bucket.name,
  get: (each, options) => bucket.get(each, options),
  open: (each, options) => bucket.open(each, options),
  list: (prefix, options) => bucket.list(prefix, options),
  multipart: bucket.multipart,
  awsCommand: (words) => bucket.awsCommand(words),
  remove: (each) => bucket.remove(each),
  close: () => bucket.close(),
  put,
});

test('row 7: 198 names that are taken cost no signature, and are named', async (t) => {
  const { server, publish, counted, notices } = await countingPublisher(t);
  for (let version = 2; version < 200; version++) {
    server.put(BUCKET, key(`${version}.env-stable.json`), 'in the way');
    server.put(BUCKET, key(`${version}.snapshot.json`), 'in the way');
  }
  const done = await publish('stable');
  assert.equal(done.kind, 'committed');
  assert.equal(counted.signatures, 3);
  assert.deepEqual(
    notices.map((line) => /(\d+) files, (2\.[^ ]+) to (199\.[^,]+), /.exec(line)?.slice(1)),
    [
      ['198', '2.env-stable.json', '199.env-stable.json'],
      ['198', '2.snapshot.json', '199.snapshot.json'],
    ],
  );
});

test('row 7: too many names that are taken end the command before anything is signed', async (t) => {
  const { server, publish, counted } = await countingPublisher(t);
  for (let version = 2; version < 1010; version++) {
    server.put(BUCKET, key(`${version}.env-stable.json`), 'in the way');
  }
  const before = snapshotOf(server);
  await assert.rejects(publish('stable', Buffer.from('x')), hasCode('METADATA_INVALID'));
  assert.equal(counted.signatures, 0);
  const [blob, ...more] = [...snapshotOf(server).keys()].filter((each) => !before.has(each));
  assert.ok(blob?.includes('/blobs/'));
  assert.deepEqual(more, []);
});

test('I6: a name that is taken while its file is signed is not named by the snapshot', async (t) => {
  const { server, publisher, notices, repository } = await countingPublisher(t);
  const { bucket, keyring } = repository;
  const late = ['2.env-stable.json', '2.snapshot.json'].map(key);
  const { publish, repository: own } = await publisher({
    keyring,
    notice: (line) => void notices.push(line),
    bucket: withPut(bucket, async (each, body, options) => {
      if (late.includes(each)) server.put(BUCKET, each, 'in the way');
      return await bucket.put(each, body, options);
    }),
  });
  assert.equal((await publish('stable')).kind, 'committed');
  const { snapshot, roles } = await own.read();
  assert.deepEqual([snapshot?.signed.version, roles.get('env-stable')?.signed.version], [3, 3]);
  assert.equal(notices.length, 2);
});

test('row 7: a timestamp that is rewritten again and again costs a bounded number of signatures', async (t) => {
  const { server, counted, ...publisher } = await countingPublisher(t);
  let count = 0;
  const { bucket } = publisher.repository;
  const raced = withPut(bucket, async (each, body, options) => {
    // The same document with one more blank: its signature holds, its ETag is another.
    const bytes = server.get(BUCKET, key('timestamp.json'));
    if (each === key('timestamp.json')) {
      server.put(BUCKET, each, `${String(bytes)}${' '.repeat(++count)}`);
    }
    return await bucket.put(each, body, options);
  });
  const signers = publisher.repository.keyring;
  const { publish } = await publisher.publisher({ keyring: signers, bucket: raced });
  await assert.rejects(publish('stable'), hasCode('PUBLISH_LOST'));
  assert.ok(counted.signatures <= 9, `${counted.signatures} signatures`);
});
