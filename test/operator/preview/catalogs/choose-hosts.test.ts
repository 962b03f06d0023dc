import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostStatusKey } from '../../../../bucket/layout.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { chooseHosts, type HostWish } from '../../../../operator/preview/catalogs/choose-hosts.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, startServer, TREE } from '../../operator-lab.ts';

const NOBODY: HostWish = { certnames: [], sample: undefined, group: undefined };

test('hosts: of a sample, of a group, by name', async (t) => {
  const server = await startServer(t);
  const { endpoint, region } = server;
  const bucket = await openBucket(BUCKET, S3Settings.parse({ endpoint, region }));
  t.after(() => bucket.close());
  const report = (certname: string, more: object = {}) => {
    const text = JSON.stringify({ ...sampleStatus, certname, groups: [], ...more });
    server.put(BUCKET, hostStatusKey(TREE, certname), text);
  };
  const web = Array.from({ length: 40 }, (_, index) => `web${index}.example.com`);
  for (const certname of web) report(certname);
  report('other.example.com', { environment: 'testing' });
  report('early.example.com', { groups: ['early'] });
  report('liar.example.com', { certname: 'web1.example.com', groups: ['early'] });
  server.put(BUCKET, hostStatusKey(TREE, 'broken.example.com'), '{');
  const choose = (wish: Partial<HostWish>) =>
    chooseHosts({ bucket, tree: TREE }, 'stable', { ...NOBODY, ...wish });

  const first = await choose({ sample: 5 });
  assert.equal(first.certnames.length, 5);
  assert.deepEqual((await choose({ sample: 5 })).certnames, first.certnames, 'always the same');
  const more = await choose({ sample: 10 });
  assert.ok(
    first.certnames.every((name) => more.certnames.includes(name)),
    'a larger one has it',
  );
  const all = await choose({ sample: 1000 });
  assert.deepEqual(all.certnames, [...web, 'early.example.com'].sort());
  assert.equal(all.unreadable, 2);
  assert.deepEqual((await choose({ group: 'early' })).certnames, ['early.example.com']);
  const named = { group: 'early', certnames: ['x.example.com'] };
  assert.deepEqual((await choose(named)).certnames, ['early.example.com', 'x.example.com']);
  for (const wish of [{ group: 'nope' }, { sample: 0 }, { certnames: ['../x'] }]) {
    await assert.rejects(choose(wish), { code: 'USAGE' });
  }
});
