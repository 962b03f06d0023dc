import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findConfig, loadConfig, selectTree } from '../../operator/config.ts';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const hasCode = (code: ErrorCode) => (error: unknown) =>
  error instanceof CodedError && error.code === code;

const TEXT = `
bucket: fleet
trees:
  ubuntu:
    id: acme/ubuntu
    environments:
      stable: { ref: main }
      testing: { ref: testing }
`;

async function place(t: TestContext, text: string) {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'miyamoto.yaml'), text);
  return { cwd: directory, home: '/home/ann' };
}

test('config: paths are relative to its directory, defaults included', async (t) => {
  const { cwd, home } = await place(t, TEXT);
  const tree = selectTree(await loadConfig({ cwd, home }), { home, tree: undefined });
  assert.deepEqual(
    { ...tree, s3: undefined, refs: [...tree.refs] },
    {
      bucket: 'fleet',
      s3: undefined,
      tree: 'ubuntu',
      id: 'acme/ubuntu',
      ignoresCase: false,
      refs: [
        ['stable', 'main'],
        ['testing', 'testing'],
      ],
      rootFile: join(cwd, 'ubuntu.root.json'),
      publish: {
        ...{ exclude: [], links: 'refuse', filters: [], allow_private_keys: [] },
        modules: undefined,
        r10k_config: undefined,
      },
      cacheDirectory: '/home/ann/.cache/miyamoto',
      repository: cwd,
      keysDirectory: '/home/ann/.config/miyamoto/keys/acme/ubuntu',
      stateDirectory: join(cwd, '.miyamoto/ubuntu'),
      mode: 'laptop',
    },
  );
});

test('config: found in the current directory or a parent; --config wins', async (t) => {
  const { cwd, home } = await place(t, TEXT);
  await mkdir(join(cwd, 'a/b'), { recursive: true });
  const below = join(cwd, 'a/b');
  assert.equal((await findConfig({ cwd: below, home }))?.path, join(cwd, 'miyamoto.yaml'));
  await writeFile(join(cwd, 'a/other.yaml'), TEXT);
  const given = await findConfig({ cwd: below, home, path: '../other.yaml' });
  assert.equal(given?.path, join(cwd, 'a/other.yaml'));
});

test('config: a missing file is CONFIG_MISSING', async (t) => {
  const cwd = await temporaryDirectory(t);
  await assert.rejects(
    loadConfig({ cwd, home: cwd, path: 'none.yaml' }),
    hasCode('CONFIG_MISSING'),
  );
  await assert.rejects(loadConfig({ cwd, home: cwd }), hasCode('CONFIG_MISSING'));
});

const invalid = {
  'unknown key': TEXT.replace('bucket:', 'bukcet: x\nbucket:'),
  'bucket as a URL': TEXT.replace('fleet', 's3://fleet'),
  'tree id with ..': TEXT.replace('acme/ubuntu', '../ubuntu'),
  'tree name with a slash': TEXT.replace('  ubuntu:', '  ubuntu/x:'),
  'environment name that Puppet refuses': TEXT.replace('stable:', 'sta-ble:'),
  'ref that looks like an option': TEXT.replace('ref: main', 'ref: --upload-pack=x'),
  'empty ref': TEXT.replace('ref: main', 'ref: ""'),
  'no trees': 'bucket: fleet\n',
};

for (const [name, text] of Object.entries(invalid)) {
  test(`config: ${name} is CONFIG_INVALID`, async (t) => {
    await assert.rejects(loadConfig(await place(t, text)), hasCode('CONFIG_INVALID'));
  });
}

test('config: --tree is required with several trees, and must name one of them', async (t) => {
  const two = `${TEXT}  osx:\n    id: acme/osx\n    environments: {}\n`;
  const { cwd, home } = await place(t, two);
  const loaded = await loadConfig({ cwd, home });
  assert.equal(selectTree(loaded, { home, tree: 'osx' }).id, 'acme/osx');
  for (const tree of [undefined, 'windows', 'constructor']) {
    assert.throws(() => selectTree(loaded, { home, tree }), hasCode('USAGE'));
  }
});
