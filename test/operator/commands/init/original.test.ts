import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, InitAnswer } from '../../../../operator/answers.ts';
import { OperatorConfig } from '../../../../operator/config.ts';
import { parseConfigFile } from '../../../../shared/config/file.ts';
import { BUCKET, openOperatorLab } from '../../operator-lab.ts';

/** As the example of the original has it. */
const ORIGINAL = {
  bucket: BUCKET,
  base_directory: '/etc/miyamoto',
  status: 'ubuntu/status',
  os_target: 'osx',
  branches: { stable: 'lion_stable', testing: 'lion_unstable', working: 'master' },
  manifests: 'ubuntu/manifests',
  binaries: 'ubuntu/binaries',
  environments: 'ubuntu/flavors',
};

test('init --from: each key of the original becomes a key, or has no counterpart', async (t) => {
  const lab = await openOperatorLab(t);
  const args = ['init', '--from', 'config.json', '--endpoint', lab.server.endpoint];
  await lab.write('config.json', JSON.stringify(ORIGINAL, null, '\t'));
  const planned = await lab.mm([...args, '--noop']);
  assert.match(planned.stdout, /^branches\.working +master +has no counterpart/m);
  assert.ok(!existsSync(join(lab.repository, 'miyamoto.yaml')));
  const { json, stderr } = await lab.mm([...args, '--json']);
  const { outcome, converted, configFile, agentConfig } = InitAnswer.parse(json, {
    error: () => stderr,
  });
  assert.equal(outcome, 'initialized');
  assert.deepEqual(
    converted?.map(({ key, value, became }) => [key, value, became]),
    [
      ['bucket', BUCKET, 'bucket'],
      ['base_directory', '/etc/miyamoto', null],
      ['status', 'ubuntu/status', null],
      ['os_target', 'osx', 'trees.ubuntu.ignores_case'],
      ['branches.stable', 'lion_stable', 'trees.ubuntu.environments.stable.ref'],
      ['branches.testing', 'lion_unstable', 'trees.ubuntu.environments.testing.ref'],
      ['branches.working', 'master', null],
      ['manifests', 'ubuntu/manifests', 'trees.ubuntu'],
      ['binaries', 'ubuntu/binaries', null],
      ['environments', 'ubuntu/flavors', null],
    ],
  );
  const text = await readFile(configFile, 'utf8');
  const { bucket, trees } = parseConfigFile(text, configFile, OperatorConfig);
  assert.deepEqual(
    [bucket, trees['ubuntu']],
    [
      BUCKET,
      {
        id: `${BUCKET}/ubuntu`,
        ignores_case: true,
        environments: { stable: { ref: 'lion_stable' }, testing: { ref: 'lion_unstable' } },
      },
    ],
  );
  assert.match(agentConfig, /^environment: stable$/m);
});

test('init --from: a key that an option replaces is not called converted', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('config.json', JSON.stringify({ ...ORIGINAL, bucket: 'puppet.example.com' }));
  const place = ['--bucket', BUCKET, '--tree', 'x', '--endpoint', lab.server.endpoint];
  const environments = ['--environment', 'prod=main', '--environment', 'testing=next'];
  const args = ['init', '--from', 'config.json', ...place, ...environments, '--noop', '--json'];
  const { json, stderr } = await lab.mm(args);
  const { converted = [] } = InitAnswer.parse(json, { error: () => stderr });
  assert.deepEqual(
    converted.flatMap(({ key, became, why }) =>
      why.startsWith('replaced by ') ? [[key, became, why.slice('replaced by '.length)]] : [],
    ),
    [
      ['bucket', 'bucket', '--bucket'],
      ['branches.stable', null, '--environment'],
      ['branches.testing', 'trees.x.environments.testing.ref', '--environment'],
      ['manifests', 'trees.x', '--tree'],
    ],
  );
});

const { branches, ...others } = ORIGINAL;
const WRONG: Readonly<Record<string, readonly [text: string, code: string, says: RegExp]>> = {
  'no such file': ['', 'USAGE', /there is no/],
  'no JSON': ['{"bucket": "a",\n "status" }', 'CONFIG_INVALID', /wanted JSON/],
  'an unknown key': [
    JSON.stringify({ ...ORIGINAL, buckt: 'x' }),
    'CONFIG_INVALID',
    /config\.json:1: buckt: unknown key; did you mean "bucket"/,
  ],
  'a key twice': ['{"bucket": "a", "bucket": "b"}', 'CONFIG_INVALID', /twice/],
  'no branches': [JSON.stringify(others), 'CONFIG_INVALID', /branches/],
  'a bucket that is a URL, and a branch with a space': [
    JSON.stringify({ ...others, bucket: 's3://b', branches: { stable: 'a b' } }, null, 1),
    'CONFIG_INVALID',
    /config\.json:2: bucket: .*found "s3:\/\/b"\n +\S+config\.json:\d+: branches\.stable: .*found "a b"\n/,
  ],
  'another system': [
    JSON.stringify({ ...ORIGINAL, os_target: 'solaris' }),
    'CONFIG_INVALID',
    /os_target: wanted "osx" or "ubuntu", found "solaris"/,
  ],
  'manifests elsewhere': [
    JSON.stringify({ ...others, branches, manifests: 'manifests' }),
    'USAGE',
    /--tree/,
  ],
};

test('init --from: a wrong file says what is wrong, and nothing is written', async (t) => {
  const lab = await openOperatorLab(t);
  for (const [name, [text, code, says]] of Object.entries(WRONG)) {
    if (text !== '') await lab.write('config.json', text);
    const { json, stderr } = await lab.mm(['init', '--from', 'config.json', '--json']);
    assert.equal(ErrorAnswer.parse(json).error.code, code, name);
    assert.match(stderr, says, name);
  }
  const args = ['init', '--from', 'config.json', '--tree', 'x', '--noop', '--json'];
  const { json } = await lab.mm([...args, '--endpoint', lab.server.endpoint]);
  assert.equal(InitAnswer.parse(json).tree, 'x');
  assert.ok(!existsSync(join(lab.repository, 'miyamoto.yaml')));
});

test('init --from: a miyamoto.yaml that says something else is not converted', async (t) => {
  const lab = await openOperatorLab(t);
  const tree = { id: 'a/ubuntu', environments: { stable: { ref: 'main' } } };
  const refuse = async (more: object, says: RegExp) => {
    const trees = { ubuntu: { ...tree, ...more } };
    await lab.write('miyamoto.yaml', JSON.stringify({ bucket: BUCKET, trees }));
    await lab.write('config.json', JSON.stringify({ ...ORIGINAL, branches: { stable: 'x' } }));
    const { json, stderr } = await lab.mm(['init', '--from', 'config.json', '--noop', '--json']);
    assert.equal(ErrorAnswer.parse(json).error.code, 'USAGE', stderr);
    assert.match(stderr, says);
  };
  await refuse({}, /stable=x, but .* says main/);
  await refuse({ environments: { stable: { ref: 'x' } } }, /ignores_case/);
});
