import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, keysOf, newKey } from './key-commands.ts';
import { initialized, type OperatorLab, snapshotOf } from './operator-lab.ts';

/** mm must not follow files that another local user can write. */

const PUBLISH = ['publish', 'stable', '--no-validate'];
const NOBODY = 65_534;

/** Files and directories that `publish` reads and another user could write. */
const READ: Readonly<Record<string, (lab: OperatorLab) => string>> = {
  'miyamoto.yaml': ({ repository }) => join(repository, 'miyamoto.yaml'),
  'the directory of miyamoto.yaml': ({ repository }) => repository,
  'a directory above': ({ directory }) => directory,
  'the trust root': ({ repository }) => join(repository, 'ubuntu.root.json'),
  'the directory of the keys': (lab) => keysOf(lab),
  'the kept state': ({ repository }) => join(repository, '.miyamoto/ubuntu'),
};

for (const [name, pathIn] of Object.entries(READ)) {
  test(`row 16: ${name}, writable by others, is FILE_UNSAFE, and nothing is signed`, async (t) => {
    const lab = await initialized(t);
    const before = snapshotOf(lab.server);
    const path = pathIn(lab);
    const isDirectory = !path.endsWith('json') && !path.endsWith('yaml');
    await chmod(path, isDirectory ? 0o777 : 0o646);
    assert.equal(await codeOf(lab, PUBLISH), 'FILE_UNSAFE');
    assert.equal(await codeOf(lab, [...PUBLISH, '--noop']), 'FILE_UNSAFE');
    assert.deepEqual(snapshotOf(lab.server), before);
    await chmod(path, isDirectory ? 0o755 : 0o644);
    assert.equal((await lab.mm(PUBLISH)).exitCode, 0);
  });
}

test('row 16: modules and statuses that others can write are neither published nor shown', async (t) => {
  const lab = await initialized(t);
  await lab.commit('Puppetfile', "mod 'acme-thing', '1.0.0'\n");
  const cache = join(lab.directory, 'home/.cache/miyamoto');
  await mkdir(cache, { recursive: true });
  await chmod(cache, 0o777);
  assert.equal(await codeOf(lab, PUBLISH), 'FILE_UNSAFE');
  assert.equal((await lab.mm(['fleet', 'sync'])).exitCode, 0);
  await chmod(join(lab.repository, '.miyamoto/ubuntu/fleet/fleet.sqlite'), 0o666);
  assert.equal(await codeOf(lab, ['fleet', 'hosts']), 'FILE_UNSAFE');
});

test('row 16: a configuration that somebody left further up does not make mm run his program', async (t) => {
  const lab = await initialized(t);
  // The victim works below a directory that other users can write, without a miyamoto.yaml there.
  const shared = join(lab.directory, 'shared');
  const project = join(shared, 'project');
  await mkdir(join(shared, 'keys/acme/ubuntu'), { recursive: true });
  await mkdir(project);
  const marker = join(shared, 'was-run');
  const program = join(shared, 'program');
  await writeFile(program, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  await newKey(lab, 'own');
  const { private: _, ...key } = JSON.parse(
    await readFile(join(keysOf(lab), 'operator.json'), 'utf8'),
  );
  const held = { ...key, private: { kind: 'command', command: [program] } };
  await writeFile(join(shared, 'keys/acme/ubuntu/operator.json'), JSON.stringify(held));
  const config = await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8');
  const theirs = config.replace(/^keys:.*$/m, `keys: ${shared}/keys`);
  await writeFile(join(shared, 'miyamoto.yaml'), `${theirs}repository: ${lab.repository}\n`);
  await writeFile(
    join(shared, 'ubuntu.root.json'),
    await readFile(join(lab.repository, 'ubuntu.root.json')),
  );
  if (process.geteuid?.() === 0) await chown(join(shared, 'miyamoto.yaml'), NOBODY, NOBODY);
  else await chmod(shared, 0o777);
  for (const args of [PUBLISH, ['renew', 'online'], ['key', 'list'], ['doctor'], ['releases']]) {
    assert.equal(await codeOf(lab, args, { cwd: project }), 'FILE_UNSAFE', args.join(' '));
  }
  assert.equal(existsSync(marker), false);
  // Only the check stops it: in a configuration of the victim the program would run.
  await chmod(shared, 0o755);
  if (process.geteuid?.() === 0) await chown(join(shared, 'miyamoto.yaml'), 0, 0);
  await lab.mm(PUBLISH, { cwd: project });
  assert.equal(existsSync(marker), true);
});
