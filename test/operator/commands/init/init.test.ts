import assert from 'node:assert/strict';
import { access, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config as AgentConfig } from '../../../../agent/config/config.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { ErrorAnswer, InitAnswer } from '../../../../operator/answers.ts';
import { OperatorConfig } from '../../../../operator/config.ts';
import type { KeyDocument } from '../../../../operator/keys/file/key-file.ts';
import { parseConfigFile } from '../../../../shared/config/file.ts';
import { bucketSource } from '../../../../trust/metadata/source.ts';
import { refresh } from '../../../../trust/reader.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { startS3Server } from '../../../support/s3/server.ts';
import {
  BUCKET,
  initArgs,
  initialized,
  type OperatorLab,
  openOperatorLab,
  TREE_ID,
} from '../../operator-lab.ts';

const FILES = [
  '1.env-dev.json',
  '1.env-stable.json',
  '1.env-testing.json',
  '1.root.json',
  '1.snapshot.json',
  '1.targets.json',
  'timestamp.json',
];

const keyIdIn = async (path: string) =>
  (JSON.parse(await readFile(path, 'utf8')) as KeyDocument).keyid;

test('init: makes a tree that hosts can follow, with two keys and all files of the operator', async (t) => {
  const lab = await openOperatorLab(t);
  const { exitCode, json } = await lab.mm(initArgs(lab));
  assert.equal(exitCode, 0);
  const answer = InitAnswer.parse(json);
  assert.deepEqual(lab.files(), FILES);
  assert.equal(answer.objects.at(-1), 'ubuntu/manifests/metadata/timestamp.json');
  assert.deepEqual(answer.objects.map((key) => key.split('/').at(-1)).sort(), FILES);

  const { signed: root } = lab.metadata('1.root.json');
  const operator = await keyIdIn(answer.keys.operator);
  const safe = await keyIdIn(answer.keys.safe);
  assert.deepEqual(root.roles, {
    root: { keyids: [safe], threshold: 1 },
    targets: { keyids: [safe], threshold: 1 },
    snapshot: { keyids: [operator], threshold: 1 },
    timestamp: { keyids: [operator], threshold: 1 },
  });
  const { roles } = lab.metadata('1.targets.json').signed.delegations;
  const rule = { keyids: [operator], threshold: 1, terminating: true };
  assert.deepEqual(roles, [
    { ...rule, name: 'env-stable', paths: ['stable/*'] },
    { ...rule, name: 'env-testing', paths: ['testing/*'] },
    { ...rule, name: 'env-dev', paths: ['dev/*', 'dev_*/*'] },
  ]);
  for (const file of FILES) assert.equal(lab.metadata(file).signed['x-tree'], TREE_ID);

  assert.deepEqual(
    JSON.parse(await readFile(answer.rootFile, 'utf8')),
    lab.metadata('1.root.json'),
  );
  parseConfigFile(await readFile(answer.configFile, 'utf8'), answer.configFile, OperatorConfig);
  for (const key of [answer.keys.operator, answer.keys.safe])
    assert.equal((await stat(key)).mode & 0o777, 0o600);
  assert.equal(await lab.git('status', '--porcelain'), '');
});

test('init: the agent accepts the configuration that it prints for a host', async (t) => {
  const lab = await openOperatorLab(t);
  const { json } = await lab.mm(initArgs(lab, '--environment', 'prod=main'));
  const { agentConfig, rootFile } = InitAnswer.parse(json);
  const config = parseConfigFile(agentConfig, 'agent.yaml', AgentConfig);
  assert.equal(config.environment, 'prod');
  const bucket = await openBucket(config.bucket, config.s3);
  t.after(() => bucket.close());
  const { trusted } = await refresh({
    directory: join(lab.directory, 'host'),
    packagedRoot: await readFile(rootFile),
    environments: [config.environment],
    clock: { now: () => Date.now() },
    source: bucketSource(bucket, config.tree),
    etag: undefined,
  });
  const offer = trusted.environments.get('prod');
  assert.deepEqual([offer?.role, offer?.current], ['env-prod', undefined]);
});

test('init: a second time is ALREADY_INITIALIZED and changes nothing', async (t) => {
  const lab = await initialized(t);
  const before = lab.server.keys(BUCKET).length;
  const { exitCode, json } = await lab.mm(['init', '--json']);
  assert.equal(exitCode, 1);
  assert.equal(ErrorAnswer.parse(json).error.code, 'ALREADY_INITIALIZED');
  assert.equal(lab.server.keys(BUCKET).length, before);
});

for (const upload of FILES) {
  test(`init: interrupted before the upload of ${upload}, the next run finishes it`, async (t) => {
    const lab = await openOperatorLab(t);
    const key = `ubuntu/manifests/metadata/${upload}`;
    lab.server.faults.add({
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      match: { method: 'PUT', key },
      times: 1,
    });
    assert.equal((await lab.mm(initArgs(lab))).exitCode, 1);
    const { exitCode, stderr, json } = await lab.mm(['init', '--json'], {
      now: () => Date.now() + 60_000,
    });
    assert.equal(exitCode, 0, stderr);
    const root = await readFile(InitAnswer.parse(json).rootFile, 'utf8');
    assert.deepEqual(JSON.parse(root), lab.metadata('1.root.json'));
    assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  });
}

test('init: where somebody deleted timestamp.json no tree begins again', async (t) => {
  const lab = await initialized(t);
  assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  lab.server.delete(BUCKET, 'ubuntu/manifests/metadata/timestamp.json');
  const files = lab.files();
  // Then as a machine that has not seen the tree: its releases are there.
  for (const state of ['kept', 'fresh']) {
    if (state === 'fresh') await rm(join(lab.repository, '.miyamoto'), { recursive: true });
    for (const args of [['init'], ['init', '--noop']]) {
      const { json } = await lab.mm([...args, '--json']);
      assert.equal(ErrorAnswer.parse(json).error.code, 'ALREADY_INITIALIZED', state);
    }
    const { stderr } = await lab.mm(['releases']);
    assert.match(stderr, /^next: restore the object version of timestamp.json/m);
  }
  assert.deepEqual(lab.files(), files);
});

test('init: an incomplete tree with other keys is refused', async (t) => {
  const lab = await openOperatorLab(t);
  const key = /timestamp\.json/;
  lab.server.faults.add({
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
    match: { method: 'PUT', key },
    times: 1,
  });
  await lab.mm(initArgs(lab));
  await rm(join(lab.directory, 'home'), { recursive: true });
  const { json } = await lab.mm(['init', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'ALREADY_INITIALIZED');
});

test('init --noop: names files and objects, and makes none of them', async (t) => {
  const lab = await openOperatorLab(t);
  const before = await readdir(lab.directory, { recursive: true });
  const { exitCode, json } = await lab.mm(initArgs(lab, '--noop'));
  assert.equal(exitCode, 0);
  const answer = InitAnswer.parse(json);
  assert.equal(answer.outcome, 'noop');
  assert.deepEqual(answer.objects.map((key) => key.split('/').at(-1)).sort(), FILES);
  assert.deepEqual(lab.files(), []);
  assert.deepEqual(await readdir(lab.directory, { recursive: true }), before);
});

test('init: a passphrase from an option locks both keys', async (t) => {
  const lab = await openOperatorLab(t);
  const file = join(lab.directory, 'passphrase');
  await writeFile(file, 'secret\n');
  const { json } = await lab.mm(initArgs(lab, '--passphrase-file', file));
  const { keys } = InitAnswer.parse(json);
  for (const path of [keys.operator, keys.safe]) {
    const document = JSON.parse(await readFile(path, 'utf8')) as KeyDocument;
    assert.equal(document.private.kind, 'scrypt-aes-256-gcm');
  }
  const publish = ['publish', 'stable', '--no-validate', '--json'];
  const locked = await lab.mm(publish);
  assert.equal(ErrorAnswer.parse(locked.json).error.code, 'KEY_LOCKED');
  const env = { PATH: process.env['PATH'], MM_KEY_PASSPHRASE_FILE: file };
  assert.equal((await lab.mm(publish, { env })).exitCode, 0);
});

test('init --passphrase: asks twice, and refuses two different answers', async (t) => {
  const lab = await openOperatorLab(t);
  const asking = (...answers: string[]) => ({
    ask: () => Promise.resolve(answers.shift() ?? assert.fail('asked too often')),
  });
  const different = await lab.mm(initArgs(lab, '--passphrase'), asking('a', 'b'));
  assert.equal(ErrorAnswer.parse(different.json).error.code, 'KEY_LOCKED');
  assert.deepEqual(lab.files(), []);
  const left = (path: string) => stat(path).catch(() => undefined);
  assert.equal(await left(join(lab.repository, 'miyamoto.yaml')), undefined);
  assert.equal(await left(join(lab.directory, 'home')), undefined, 'no key was made');
  const done = await lab.mm(initArgs(lab, '--passphrase'), asking('secret', 'secret'));
  assert.equal(done.exitCode, 0, done.stderr);
});

const usage = {
  'no bucket': ['init', '--tree', 'ubuntu'],
  'no tree': ['init', '--bucket', BUCKET],
  'a name that no bucket can have': ['init', '--bucket', 'b1', '--tree', 'ubuntu'],
  'environment without a ref': [
    'init',
    '--bucket',
    BUCKET,
    '--tree',
    'ubuntu',
    '--environment',
    'a',
  ],
};

for (const [name, args] of Object.entries(usage)) {
  test(`init: ${name} is a usage error`, async (t) => {
    const lab = await openOperatorLab(t);
    assert.equal((await lab.mm(args)).exitCode, 2);
    await assert.rejects(access(join(lab.repository, 'miyamoto.yaml')));
  });
}

test('init: miyamoto.yaml is never changed, and options that contradict it are refused', async (t) => {
  const lab = await initialized(t);
  const path = join(lab.repository, 'miyamoto.yaml');
  const before = await readFile(path, 'utf8');
  for (const args of [
    ['--bucket', 'other'],
    ['--id', 'acme/other'],
    ['--tree', 'osx'],
    ['--region', 'eu-west-1'],
    ['--endpoint', 'http://127.0.0.1:1'],
  ]) {
    const { exitCode, stderr } = await lab.mm(['init', ...args]);
    assert.equal(exitCode, 2, stderr);
  }
  assert.equal(await readFile(path, 'utf8'), before);
});

test('init: a root file of another tree is kept', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('ubuntu.root.json', 'the only copy');
  const { json } = await lab.mm(initArgs(lab));
  assert.equal(ErrorAnswer.parse(json).error.code, 'ROOT_INVALID');
  assert.equal(await readFile(join(lab.repository, 'ubuntu.root.json'), 'utf8'), 'the only copy');
  assert.ok(!lab.files().includes('timestamp.json'));
});

test('init: without a branch main, the first environment has the current branch', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.git('branch', '--move', 'production');
  const { exitCode, stderr } = await lab.mm(initArgs(lab));
  assert.equal(exitCode, 0, stderr);
  const config = await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8');
  assert.match(config, /^ {6}stable:\n {8}ref: production\n/m);
});

test('init: a missing bucket is made only with --create-bucket', async (t) => {
  const lab = await openOperatorLab(t);
  const server = await startS3Server({
    users: [{ accessKeyId: 'OPERATOR', secretAccessKey: 'operator-secret', policy: adminPolicy }],
    buckets: [],
  });
  t.after(() => server.close());
  const args = (...more: string[]) => initArgs({ ...lab, server } as OperatorLab, ...more);
  const { json } = await lab.mm(args());
  const { error } = ErrorAnswer.parse(json);
  assert.equal(error.code, 'S3_BUCKET_MISSING');
  assert.match(error.next ?? '', /--create-bucket/);
  const done = await lab.mm(args('--create-bucket'));
  assert.equal(done.exitCode, 0, done.stderr);
  assert.equal(server.keys(BUCKET).length, FILES.length);
});

test('init: each mistake in the options has a line of its own', async (t) => {
  const lab = await initialized(t);
  const place = ['--bucket', 'b', '--tree', 'a/b', '--region', 'us-east-1'];
  const { exitCode, stderr } = await lab.mm(['init', '--config', 'new.yaml', ...place]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /^mm: the options: bucket: .*"b"\n +the options: trees\.a\/b: .*"a\/b"\n/);
});
