import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { buildView } from '../../../../../agent/io/puppet/host-data/overlay.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

async function place(t: TestContext, tree: Readonly<Record<string, string>>) {
  const root = await temporaryDirectory(t);
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), content);
    }
  };
  await write(
    Object.fromEntries(Object.entries(tree).map(([name, text]) => [`tree/${name}`, text])),
  );
  const view = join(root, 'view/stable');
  return {
    root,
    view,
    write,
    build: (overlay: Parameters<typeof buildView>[2]) =>
      buildView(join(root, 'tree'), view, overlay),
  };
}

const RELEASE = {
  'data/common.yaml': 'release',
  'data/secrets/README': 'release',
  'data/secrets/vault.yaml': 'of the release',
  'manifests/site.pp': '',
  'modules/m/manifests/init.pp': '',
};

test('overlay: links to what the release has, real directories only on the way to the file', async (t) => {
  const { root, view, write, build } = await place(t, RELEASE);
  await write({ vault: 'secret' });
  await symlink('data', join(root, 'tree/hieradata'));
  build({ 'data/secrets/vault.yaml': join(root, 'vault') });
  assert.equal(await readFile(join(view, 'data/secrets/vault.yaml'), 'utf8'), 'secret');
  assert.equal((await lstat(join(view, 'data/secrets/vault.yaml'))).mode & 0o7777, 0o600);
  for (const path of ['manifests', 'modules', 'data/common.yaml', 'data/secrets/README']) {
    assert.equal(await readlink(join(view, path)), join(root, 'tree', path));
  }
  // A link of the release shows the view's files, not those of the release.
  assert.equal(await readFile(join(view, 'hieradata/secrets/vault.yaml'), 'utf8'), 'secret');
  assert.equal(
    await readFile(join(root, 'tree/data/secrets/vault.yaml'), 'utf8'),
    'of the release',
    'the verified tree is unchanged',
  );
});

test('overlay: a directory is laid over the one of the release, a longer path wins', async (t) => {
  const { root, view, write, build } = await place(t, RELEASE);
  await write({ 'host/a/b.yaml': 'b', 'host/vault.yaml': 'from the directory', vault: 'single' });
  build({
    'data/secrets/vault.yaml': join(root, 'vault'),
    'data/secrets': join(root, 'host'),
    'new/deep/x': join(root, 'vault'),
  });
  const read = (path: string) => readFile(join(view, path), 'utf8');
  assert.equal(await read('data/secrets/a/b.yaml'), 'b');
  assert.equal(await read('data/secrets/vault.yaml'), 'single');
  assert.equal(await read('data/secrets/README'), 'release');
  assert.equal(await read('new/deep/x'), 'single');
  assert.equal((await lstat(join(view, 'data/secrets/a/b.yaml'))).mode & 0o7777, 0o600);
});

const BY_LINKS: Readonly<Record<string, readonly [string, string]>> = {
  'a file': ['data/secrets/vault.yaml', 'vault'],
  'a directory': ['data/secrets', 'host'],
  'a new directory': ['data/secrets/new', 'host'],
  'a directory that is a link itself': ['data', 'host'],
  'a file in place of a link': ['data/common.yaml', 'vault'],
};

for (const [name, [inside, source]] of Object.entries(BY_LINKS)) {
  test(`overlay: ${name} by a link of the release is seen by both of its names`, async (t) => {
    const { root, view, write, build } = await place(t, {
      'hiera/prod/secrets/vault.yaml': 'of the release',
      'hiera/shared.yaml': 'shared',
    });
    await write({ vault: 'secret', 'host/vault.yaml': 'secret' });
    await symlink('hiera/prod', join(root, 'tree/data'));
    await symlink('../shared.yaml', join(root, 'tree/hiera/prod/common.yaml'));
    await symlink('../shared.yaml', join(root, 'tree/hiera/prod/other.yaml'));
    build({ [inside]: join(root, source) });
    const path = source === 'vault' ? inside : `${inside}/vault.yaml`;
    for (const seen of [path, path.replace('data', 'hiera/prod')]) {
      assert.equal(await readFile(join(view, seen), 'utf8'), 'secret');
    }
    // Links beside the files of the host still lead where they led.
    for (const seen of ['data/other.yaml', 'hiera/prod/other.yaml', 'hiera/shared.yaml']) {
      assert.equal(await readFile(join(view, seen), 'utf8'), 'shared');
    }
    assert.equal(await readFile(join(root, 'tree/hiera/shared.yaml'), 'utf8'), 'shared');
  });
}

test('overlay: links that leave the release lead where they led', async (t) => {
  const { root, view, write, build } = await place(t, RELEASE);
  await write({
    vault: 'secret',
    'other/beside.yaml': 'beside',
    'outside/common.yaml': 'outside',
  });
  await symlink('../other/beside.yaml', join(root, 'outside/beside.yaml'));
  await symlink('../../outside/common.yaml', join(root, 'tree/data/outside.yaml'));
  await symlink('../outside', join(root, 'tree/hiera'));
  build({ 'data/x': join(root, 'vault'), 'hiera/x': join(root, 'vault') });
  for (const [path, content] of [
    ['data/outside.yaml', 'outside'],
    ['hiera/common.yaml', 'outside'],
    ['hiera/beside.yaml', 'beside'],
    ['hiera/x', 'secret'],
  ] as const) {
    assert.equal(await readFile(join(view, path), 'utf8'), content);
  }
  await assert.rejects(lstat(join(root, 'outside/x')), { code: 'ENOENT' });
});

test('overlay: nothing of an earlier view stays', async (t) => {
  const { root, view, write, build } = await place(t, RELEASE);
  await write({ one: '1', two: '2' });
  build({ 'data/one': join(root, 'one') });
  build({ 'data/two': join(root, 'two') });
  await assert.rejects(lstat(join(view, 'data/one')), { code: 'ENOENT' });
  assert.equal(await readFile(join(root, 'tree/data/common.yaml'), 'utf8'), 'release');
});

test('overlay: a template that was not rendered is neither Puppet code nor YAML', async (t) => {
  const { root, view, write, build } = await place(t, RELEASE);
  await write({ 'node.pp': "node '%{certname}' {}\n" });
  const templates = build({ 'manifests/node.pp': { template: join(root, 'node.pp') } });
  const target = join(view, 'manifests/node.pp');
  assert.deepEqual(templates, [
    { inside: 'manifests/node.pp', text: "node '%{certname}' {}\n", target },
  ]);
  assert.match(await readFile(target, 'utf8'), /^%\{/);
});

const REFUSED: Readonly<
  Record<string, readonly [string, (root: string) => Readonly<Record<string, string>>]>
> = {
  'a file of the release in place of a directory': [
    'CONFIG_INVALID',
    (root) => ({ 'data/common.yaml/x': join(root, 'vault') }),
  ],
  'a file and a path below it': [
    'CONFIG_INVALID',
    (root) => ({ 'data/x': join(root, 'vault'), 'data/x/y': join(root, 'vault') }),
  ],
  'a file in place of a directory of the release': [
    'CONFIG_INVALID',
    (root) => ({ data: join(root, 'vault') }),
  ],
  'a link that leads nowhere': ['CONFIG_INVALID', (root) => ({ 'data/x': join(root, 'dangling') })],
  'links in a circle': ['CONFIG_INVALID', (root) => ({ 'data/x': join(root, 'circle') })],
  'a FIFO, which nobody writes to': [
    'CONFIG_INVALID',
    (root) => ({ 'data/x': join(root, 'fifo') }),
  ],
  'a file in a directory that others can write': [
    'FILE_UNSAFE',
    (root) => ({ 'data/secrets': join(root, 'open') }),
  ],
};

for (const [name, [code, overlay]] of Object.entries(REFUSED)) {
  test(`overlay: ${name} is refused`, async (t) => {
    const { root, write, build } = await place(t, RELEASE);
    await write({ vault: 'secret', 'open/deep/x': 'x' });
    await chmod(join(root, 'open/deep'), 0o777);
    await write({ 'dangling/x': '', 'circle/x': '' });
    await symlink('gone', join(root, 'dangling/link'));
    await symlink('.', join(root, 'circle/link'));
    execFileSync('mkfifo', ['-m', '600', join(root, 'fifo')]);
    assert.throws(() => build(overlay(root)), { code });
  });
}
