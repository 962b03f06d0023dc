import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer, ReleasesAnswer } from '../../../../operator/answers.ts';
import { BUCKET, initialized } from '../../workshop.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];

test('releases: lists every environment, also the short-lived ones', async (t) => {
  const workshop = await initialized(t);
  await workshop.mm(PUBLISH);
  await workshop.mm(['publish', '--working-tree', '--no-validate']);
  const { environments } = ReleasesAnswer.parse((await workshop.mm(['releases', '--json'])).json);
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

test('releases <environment>: earlier releases, newest first, each of them once', async (t) => {
  const workshop = await initialized(t);
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await workshop.mm([...PUBLISH, '--version', version]);
  }
  const history = async (...more: string[]) => {
    const { json } = await workshop.mm(['releases', 'stable', '--json', ...more]);
    const [only] = ReleasesAnswer.parse(json).environments;
    return [only?.current?.version, ...(only?.history ?? []).map(({ release }) => release.version)];
  };
  assert.deepEqual(await history(), ['1.2.0', '1.1.0', '1.0.0']);
  assert.deepEqual(await history('--limit', '1'), ['1.2.0', '1.1.0']);
  // A file that an attacker without keys put there is not history.
  const key = 'ubuntu/manifests/metadata/2.env-stable.json';
  const forged = String(workshop.server.get(BUCKET, key)).replace('1.0.0', '6.6.6');
  workshop.server.put(BUCKET, key, forged);
  assert.deepEqual(await history(), ['1.2.0', '1.1.0']);
});

test('releases: a bucket that was rolled back is METADATA_ROLLBACK', async (t) => {
  const workshop = await initialized(t);
  const key = 'ubuntu/manifests/metadata/timestamp.json';
  const old = workshop.server.get(BUCKET, key) ?? '';
  await workshop.mm(PUBLISH);
  workshop.server.put(BUCKET, key, old);
  const { exitCode, json } = await workshop.mm(['releases', '--json']);
  assert.equal(exitCode, 1);
  assert.equal(ErrorAnswer.parse(json).error.code, 'METADATA_ROLLBACK');
});

test('releases: an unknown environment is ENVIRONMENT_UNKNOWN', async (t) => {
  const workshop = await initialized(t);
  const { json } = await workshop.mm(['releases', 'prod', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'ENVIRONMENT_UNKNOWN');
});

test('releases: a bucket without metadata names the next command', async (t) => {
  const workshop = await initialized(t);
  for (const key of workshop.server.keys(BUCKET)) workshop.server.delete(BUCKET, key);
  const { error } = ErrorAnswer.parse((await workshop.mm(['releases', '--json'])).json);
  assert.equal(error.code, 'METADATA_MISSING');
  assert.match(error.next ?? '', /^mm init/);
});
