import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';

test('releases: first, newer, nothing new, withdrawn; an unreachable bucket; a catalog that does not compile', async (t) => {
  const lab = await agentLab(t);
  const motd = join(lab.root, 'motd');
  const first = manifestWriting(motd, 'one');

  lab.publish('1.0.0', first);
  const one = await lab.once('--detailed-exitcodes');
  assert.equal(one.code, 2, one.stderr);
  assert.equal(await readFile(motd, 'utf8'), 'one');
  const status = lab.status();
  assert.equal(status.release?.version, '1.0.0');
  assert.equal(status.run?.status, 'changed');
  assert.deepEqual(status.run.changedResources, [`File[${motd}]`]);
  assert.equal(status.trust.state, 'ok');
  assert.equal(status.facts['kernel'], 'Linux');
  assert.equal(lab.facts().digest, status.factsDigest);

  lab.publish('1.1.0', manifestWriting(motd, 'two'));
  const two = await lab.once('--detailed-exitcodes');
  assert.equal(two.code, 2, two.stderr);
  assert.equal(await readFile(motd, 'utf8'), 'two');
  // Requests: timestamp, a newer root, snapshot, role, tarball; then the status. This host may not
  // read it, so the first condition on what it wrote is refused, as AWS does.
  assert.deepEqual(
    two.requests.map((line) => line.replace(/[0-9a-f]{64}/, 'BLOB')),
    [
      'GET timestamp.json 200',
      'GET 2.root.json 403',
      'GET 3.snapshot.json 200',
      'GET 3.env-stable.json 200',
      'GET BLOB.tar.gz 200',
      'PUT web1.example.com.json 403',
      'PUT web1.example.com.json 200',
    ],
  );

  const same = await lab.once('--detailed-exitcodes');
  assert.equal(same.code, 0, same.stderr);
  assert.equal(same.requests[0], 'GET timestamp.json 304');
  assert.ok(!same.requests.some((line) => line.endsWith('403')), 'no condition for 30 days');
  assert.equal(lab.status().run?.status, 'unchanged');

  lab.publish('1.0.0', first, { custom: { reason: '1.1.0 was bad' } });
  const back = await lab.once('--detailed-exitcodes');
  assert.equal(back.code, 2, back.stderr);
  assert.equal(await readFile(motd, 'utf8'), 'one');
  assert.ok(
    !back.requests.some((line) => line.includes('tar.gz')),
    'the tarball is still on the disk',
  );

  lab.publish('1.2.0', { 'manifests/site.pp': "file { 'x': ensure => \n" });
  const broken = await lab.once('--detailed-exitcodes');
  assert.equal(broken.code, 1);
  assert.equal(lab.status().run?.status, 'not-compiled');
  assert.match(lab.status().run?.error ?? '', /manifests\/site\.pp/);

  lab.publish('1.3.0', first);
  assert.equal((await lab.once()).code, 0);
  await lab.server.close();
  const offline = await lab.once();
  assert.equal(offline.code, 0, 'what is here is applied');
  const local = await lab.localStatus();
  assert.equal(local.run?.status, 'unchanged');
  assert.equal(local.trust.error?.code, 'S3_UNREACHABLE');
  assert.equal(local.offline.runs, 1);
});
