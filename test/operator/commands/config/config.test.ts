import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { ConfigAnswer } from '../../../../operator/by-hand-answers.ts';
import { openOperatorLab } from '../../operator-lab.ts';

const TEXT = `bucket: fleet
s3: { proxy: 'http://user:geheim@proxy.example.com:3128' }
keys: ../keys
publish:
  links: keep
  modules: { command: [install, --password=geheim] }
trees:
  ubuntu: { id: a/ubuntu, environments: { stable: { ref: main }, old: { ref: gone } } }
  osx: { id: a/osx, environments: {} }
`;
const ENV = {
  AWS_REGION: 'eu-central-1',
  AWS_MAX_ATTEMPTS: '7',
  HTTPS_PROXY: 'http://other:geheim@unused.example.com',
  AWS_ACCESS_KEY_ID: 'AKIAGEHEIM',
  AWS_SECRET_ACCESS_KEY: 'geheim',
  MM_KEY_PASSPHRASE_FILE: '/run/passphrase',
};

test('config: every value and where it is from, and no secret', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('miyamoto.yaml', TEXT);
  const env = { PATH: process.env['PATH'], HOME: lab.directory, ...ENV };
  const run = async (...args: string[]) => await lab.mm(['config', ...args], { env });
  const { json, stdout } = await run('--json');
  const { file, settings } = ConfigAnswer.parse(json);
  const commit = await lab.git('rev-parse', 'main');
  const at = (line: number) => `${file}:${line}`;
  const found = (key: string) => {
    const setting = settings.find((each) => each.key === key);
    return [setting?.value, setting?.from, setting?.place];
  };
  const want: Readonly<Record<string, readonly unknown[]>> = {
    bucket: ['fleet', 'file', at(1)],
    's3.proxy': ['http://proxy.example.com:3128/', 'file', at(2)],
    's3.region': ['eu-central-1', 'environment', 'AWS_REGION'],
    's3.max_attempts': ['7', 'environment', 'AWS_MAX_ATTEMPTS'],
    's3.connect_timeout': ['5s', 'default', null],
    credentials: ['hidden', 'environment', 'AWS_ACCESS_KEY_ID'],
    'trees.ubuntu.environments.stable.ref': ['main', 'file', at(8)],
    'trees.ubuntu.environments.stable.commit': [commit, 'git', lab.repository],
    'trees.ubuntu.environments.old.commit': [null, 'git', `no gone in ${lab.repository}`],
    'trees.osx.root': [join(lab.repository, 'osx.root.json'), 'default', null],
    'trees.osx.keys': [join(lab.directory, 'keys/a/osx'), 'file', at(3)],
    'publish.links': ['keep', 'file', at(5)],
    'publish.exclude': [[], 'default', null],
    passphrase: ['/run/passphrase', 'environment', 'MM_KEY_PASSPHRASE_FILE'],
  };
  for (const [key, expected] of Object.entries(want)) assert.deepEqual(found(key), expected, key);
  const text = await run();
  for (const output of [stdout, text.stdout, text.stderr]) assert.doesNotMatch(output, /geheim/i);
  const one = ConfigAnswer.parse((await run('--tree', 'osx', '--keys', 'k', '--json')).json);
  const keys = one.settings.find(({ key }) => key === 'trees.osx.keys');
  assert.deepEqual([keys?.from, keys?.place], ['option', '--keys']);
  assert.ok(!one.settings.some(({ key }) => key.startsWith('trees.ubuntu')));
  assert.deepEqual(lab.server.requests, []);
});

test('config: a wrong file, no file, and a region with a space', async (t) => {
  const lab = await openOperatorLab(t);
  const code = async (env: Record<string, string> = {}) =>
    ErrorAnswer.parse((await lab.mm(['config', '--json'], { env })).json).error.code;
  assert.equal(await code(), 'CONFIG_MISSING');
  await lab.write('miyamoto.yaml', TEXT);
  assert.equal(await code({ AWS_REGION: 'eu-central-1 ' }), 'CONFIG_INVALID');
  await lab.write('miyamoto.yaml', `${TEXT}kees: x\n`);
  assert.equal(await code(), 'CONFIG_INVALID');
});
