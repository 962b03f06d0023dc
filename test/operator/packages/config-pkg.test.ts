import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ConfigPackage } from '../../../operator/packages/config-package.ts';
import { pkgPackage } from '../../../operator/packages/flat/config-pkg.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/* What Apple's installer does is done here by 7z, cpio and sh, below a folder. */

function site(version: string, yaml: string): ConfigPackage {
  return {
    name: 'miyamoto-site-osx',
    version,
    description: 'A package.',
    summary: 'for the test',
    requires: 'miyamoto-agent',
    kind: 'miyamoto-site',
    files: [
      { path: '/etc/miyamoto/agent.yaml', content: Buffer.from(yaml) },
      { path: '/etc/miyamoto/root.json', content: Buffer.from(`{ "version": "${version}" }`) },
    ],
    afterwards: 'echo "afterwards: $(ls /etc/miyamoto | tr "\\n" " ")"\n',
  };
}

/** A folder that stands for the disk of a Mac. */
async function mac(t: TestContext) {
  const root = await temporaryDirectory(t);
  const config = (name: string) => join(root, 'disk/etc/miyamoto', name);
  return {
    config,
    read: async (name: string) => await readFile(config(name), 'utf8'),
    async install(pkg: Buffer, disk = '/') {
      const folder = join(root, 'package');
      await rm(folder, { recursive: true, force: true });
      await mkdir(join(root, 'disk'), { recursive: true });
      await writeFile(join(root, 'x.pkg'), pkg);
      execFileSync('7z', ['x', `-o${folder}`, join(root, 'x.pkg')], { stdio: 'pipe' });
      for (const [archive, cwd] of [
        ['Scripts', folder],
        ['Payload', join(root, 'disk')],
      ] as const) {
        const input = gunzipSync(await readFile(join(folder, 'site.pkg', archive)));
        execFileSync('cpio', ['-idmu', '--quiet'], { input, cwd });
      }
      const script = await readFile(join(folder, 'postinstall'), 'utf8');
      const here = script.replaceAll(/(?<=[ =])\/(?=usr|etc)/g, `${root}/disk/`);
      return spawnSync('sh', ['-c', here, 'postinstall', 'x.pkg', '/', disk, '/'], {
        encoding: 'utf8',
      });
    },
  };
}

test('pkg of a site: an upgrade and a downgrade replace what nobody has changed on the Mac', async (t) => {
  const { install, read } = await mac(t);
  for (const [version, yaml] of [
    ['1.1', 'old'],
    ['1.2', 'new'],
    ['1.1', 'old'],
  ] as const) {
    const { stdout, stderr, status } = await install(pkgPackage(site(version, yaml)));
    assert.deepEqual([stdout, stderr, status], ['afterwards: agent.yaml root.json \n', '', 0]);
    assert.equal(await read('agent.yaml'), yaml);
    assert.equal(await read('root.json'), `{ "version": "${version}" }`);
  }
});

test('pkg of a site: a configuration that was changed on the Mac stays, and the script says so', async (t) => {
  const { install, read, config } = await mac(t);
  await install(pkgPackage(site('1.1', 'old')));
  await writeFile(config('agent.yaml'), 'own');
  for (const version of ['1.2', '1.3']) {
    const { stderr, status } = await install(pkgPackage(site(version, version)));
    assert.equal(status, 0);
    assert.match(
      stderr,
      /etc\/miyamoto\/agent\.yaml was changed.* stays; the new one is .*\/site\//,
    );
    assert.equal(await read('agent.yaml'), 'own');
    assert.equal(await read('root.json'), `{ "version": "${version}" }`);
  }
});

test('pkg of a site: a file that another way has brought stays', async (t) => {
  const { install, read, config } = await mac(t);
  await mkdir(join(config('root.json'), '..'), { recursive: true });
  await writeFile(config('root.json'), 'of another tree');
  assert.match((await install(pkgPackage(site('1.1', 'x')))).stderr, /root\.json was changed/);
  assert.equal(await read('root.json'), 'of another tree');
});

test('pkg of a site: on another disk nothing is placed', async (t) => {
  const { install, read } = await mac(t);
  const { status, stderr } = await install(pkgPackage(site('1.1', 'x')), '/Volumes/other');
  assert.equal(status, 1);
  assert.match(stderr, /started from/);
  await assert.rejects(read('agent.yaml'), { code: 'ENOENT' });
});

test('pkg of a site: the same files give the same bytes, other files give others', () => {
  const bytes = pkgPackage(site('1.1', 'x'));
  assert.ok(bytes.equals(pkgPackage(site('1.1', 'x'))));
  assert.ok(!bytes.equals(pkgPackage(site('1.1', 'y'))));
});
