import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer, ReleasesAnswer } from '../../../../operator/answers.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];

test('releases: lists every environment, also the short-lived ones', async (t) => {
  const lab = await initialized(t);
  await lab.mm(PUBLISH);
  await lab.mm(['publish', '--working-tree', '--no-validate']);
  const { environments } = ReleasesAnswer.parse((await lab.mm(['releases', '--json'])).json);
  assert.deepEqual(
    environments.map(({ environment, roleVersion, current }) => [
      environment,
      roleVersion,
      current?.version,
    ]),
    [
      ['stable', 2, '0.1.0'],
      ['testing', 1, undefined],
      ['dev_ann_lee', 2, '0.1.0'],
    ],
  );
});

test('releases <environment>: earlier releases, newest first, each one once', async (t) => {
  const lab = await initialized(t);
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await lab.mm([...PUBLISH, '--version', version]);
  }
  const history = async (...more: string[]) => {
    const { json } = await lab.mm(['releases', 'stable', '--json', ...more]);
    const [only] = ReleasesAnswer.parse(json).environments;
    return [only?.current?.version, ...(only?.history ?? []).map(({ release }) => release.version)];
  };
  assert.deepEqual(await history(), ['1.2.0', '1.1.0', '1.0.0']);
  assert.deepEqual(await history('--limit', '1'), ['1.2.0', '1.1.0']);
  const { json, stdout } = await lab.mm(['releases', 'stable']);
  assert.equal(json, undefined);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ +/)[0]),
    ['environment', 'stable', 'before', 'before'],
    'and no other environment',
  );
  const { hashes } = lab.metadata('2.env-stable.json').signed.targets['stable/current'];
  assert.ok(stdout.includes(hashes.sha256.slice(0, 12)), 'a name for mm rollback');
  // A file that an attacker without keys uploaded is not part of the history.
  const key = 'ubuntu/manifests/metadata/2.env-stable.json';
  const forged = String(lab.server.get(BUCKET, key)).replace('1.0.0', '6.6.6');
  lab.server.put(BUCKET, key, forged);
  assert.deepEqual(await history(), ['1.2.0', '1.1.0']);
});

test('releases: a bucket that was rolled back is METADATA_ROLLBACK', async (t) => {
  const lab = await initialized(t);
  const key = 'ubuntu/manifests/metadata/timestamp.json';
  const old = lab.server.get(BUCKET, key) ?? '';
  await lab.mm(PUBLISH);
  lab.server.put(BUCKET, key, old);
  const { exitCode, json } = await lab.mm(['releases', '--json']);
  assert.equal(exitCode, 1);
  assert.equal(ErrorAnswer.parse(json).error.code, 'METADATA_ROLLBACK');
});

test('releases: of a tree with binaries, which are no environment', async (t) => {
  const lab = await initialized(t);
  assert.equal((await lab.mm(['binaries', 'init'])).exitCode, 0);
  for (const args of [['releases'], ['releases', 'testing']]) {
    const { json } = await lab.mm([...args, '--json']);
    const names = ReleasesAnswer.parse(json).environments.map(({ environment }) => environment);
    assert.deepEqual(names, args.length === 1 ? ['stable', 'testing'] : ['testing']);
  }
});

test('releases: an unknown environment is ENVIRONMENT_UNKNOWN', async (t) => {
  const lab = await initialized(t);
  const { json } = await lab.mm(['releases', 'prod', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'ENVIRONMENT_UNKNOWN');
});

test('releases: a bucket whose metadata was deleted names the next command', async (t) => {
  const lab = await initialized(t);
  for (const key of lab.server.keys(BUCKET)) lab.server.delete(BUCKET, key);
  const { error } = ErrorAnswer.parse((await lab.mm(['releases', '--json'])).json);
  assert.equal(error.code, 'METADATA_MISSING');
  assert.match(error.next ?? '', /^restore the object version of timestamp\.json/);
});
