import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { changed, codeOf } from '../key-commands.ts';
import { git } from '../operator-lab.ts';
import { COMMIT, FILE, sign, type Team, team } from './team.ts';

/*
 * Who compares a proposed release has packed other commits before, perhaps of the same proposer.
 * What their Puppetfiles left in a cache must not become the content of this one.
 */

const PUBLISH = ['publish', 'stable', '--no-validate', '--out', FILE];

/** A team whose stable takes two people, with these settings for `publish:`. */
async function scene(t: TestContext, publish: (directory: string) => object): Promise<Team> {
  const people = await team(t);
  const rotate = ['key', 'rotate', '--role', 'stable', '--add', 'bob.pub.json'];
  await changed(people, [...rotate, '--threshold', '2', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const path = join(people.repository, 'miyamoto.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, `publish: ${JSON.stringify(publish(people.directory))}\n${text}`);
  return people;
}

async function succeeds(people: Team, ...args: string[]): Promise<void> {
  const { exitCode, stderr } = await people.mm(args);
  assert.equal(exitCode, 0, stderr);
}

test('row 3: modules that an earlier comparison or publication installed are not compared', async (t) => {
  const program = (directory: string) => join(directory, 'install-modules');
  const people = await scene(t, (directory) => ({ modules: { command: [program(directory)] } }));
  const module = join(people.directory, 'module');
  await mkdir(join(module, 'manifests'), { recursive: true });
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { exec { "evil": } }\n');
  const copy = `[ -e "$MM_MODULES/thing" ] || cp -r ${module} "$MM_MODULES/thing"`;
  await writeFile(program(people.directory), `#!/bin/sh\n${copy}\n`);
  await chmod(program(people.directory), 0o755);
  await people.commit('Puppetfile', "mod 'acme/thing', '1.0.0'\n");
  await succeeds(people, ...PUBLISH);
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { }\n');
  await succeeds(people, ...PUBLISH);
  assert.equal(await codeOf(people, ['root', 'sign', FILE, ...people.bob]), 'RELEASE_INVALID');
});

/** r10k gives two repositories one place in its cache when their URLs differ in "/" and "-". */
const hasR10k = spawnSync('r10k', ['version']).error === undefined;
for (const settings of hasR10k ? ['none', 'cachedir', ':cachedir'] : []) {
  test(`row 3: real r10k takes no module from the cache of another URL; r10k.yaml: ${settings}`, async (t) => {
    const own = settings === 'none' ? {} : { r10k_config: 'r10k.yaml' };
    const people = await scene(t, () => ({ modules: 'r10k', ...own }));
    const cache = join(people.directory, 'cache');
    await writeFile(join(people.repository, 'r10k.yaml'), `${settings}: ${cache}\n`);
    await people.write('.gitignore', 'miyamoto.yaml\n*.json\n.miyamoto/\nr10k.yaml\n');
    const home = join(people.directory, 'modules-at-home');
    for (const [path, content] of [
      ['acme/thing', 'class thing { }\n'],
      ['acme-thing', 'class thing { exec { "evil": } }\n'],
    ] as const) {
      const module = join(home, path);
      await mkdir(join(module, 'manifests'), { recursive: true });
      await git(module, 'init', '--quiet', '--initial-branch=main');
      await writeFile(join(module, 'manifests/init.pp'), content);
      await git(module, 'add', '--all');
      await git(module, 'commit', '--quiet', '--message', 'thing');
      await git(module, 'tag', 'v1');
    }
    const name = (path: string) =>
      people.commit('Puppetfile', `mod 'acme/thing', git: 'file://${home}/${path}', tag: 'v1'\n`);
    await name('acme-thing');
    await succeeds(people, ...PUBLISH);
    await name('acme/thing');
    await succeeds(people, ...PUBLISH);
    assert.equal(await codeOf(people, ['root', 'sign', FILE, ...people.bob]), 'RELEASE_INVALID');
  });
}
