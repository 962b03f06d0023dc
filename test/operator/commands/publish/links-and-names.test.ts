import assert from 'node:assert/strict';
import { readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostPaths, releasePaths } from '../../../../agent/paths.ts';
import { unpack } from '../../../../agent/steps/unpack/unpack.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { planInit } from '../../../../operator/commands/init/plan.ts';
import type { Context } from '../../../../operator/context.ts';
import { verifiedTarball } from '../../../support/memory-blobs.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate', '--json'];

async function set(lab: OperatorLab, publish: string): Promise<void> {
  const file = join(lab.repository, 'miyamoto.yaml');
  await writeFile(file, `${await readFile(file, 'utf8')}publish: ${publish}\n`);
}

/** What a host makes of the published tarball: the directory of its tree. */
async function onHost(
  t: TestContext,
  lab: OperatorLab,
  { objects, versions }: PublishAnswer,
): Promise<string> {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  const role = lab.metadata(`${versions?.['env-stable']}.env-stable.json`).signed;
  const { links = 'refuse' } = role.targets['stable/current'].custom;
  const tarball = await verifiedTarball(lab.server.get(BUCKET, objects[0] ?? '')!, paths.blobs);
  const { directory, tree } = releasePaths(paths, tarball.sha256);
  const limits = { maxBytes: 1e6, maxFiles: 100 };
  await unpack(tarball, directory, { limits, links, signal: new AbortController().signal });
  return tree;
}

test('links: a link that leaves the repository is made by a host when publish.links keeps it', async (t) => {
  const lab = await initialized(t);
  await lab.write('modules/motd/manifests/init.pp', 'class motd { }\n');
  await symlink('/etc/motd', join(lab.repository, 'modules/motd/motd'));
  await lab.commit('README', '');
  const refused = ErrorAnswer.parse((await lab.mm(PUBLISH)).json).error;
  assert.equal(refused.code, 'ARCHIVE_UNSAFE');
  assert.match(refused.message, /modules\/motd\/motd.*\/etc\/motd/);
  assert.match(
    refused.next ?? '',
    /publish\.exclude: \[modules\/motd\/motd\].*publish\.links: keep/,
  );

  await set(lab, '{ links: keep }');
  const { json, stderr } = await lab.mm(PUBLISH);
  const tree = await onHost(t, lab, PublishAnswer.parse(json));
  assert.equal(await readlink(join(tree, 'modules/motd/motd')), '/etc/motd', stderr);
});

test('links: the other way out is publish.exclude, and metadata then keeps no links', async (t) => {
  const lab = await initialized(t);
  await symlink('/etc/motd', join(lab.repository, 'outside'));
  await lab.commit('README', '');
  await set(lab, '{ exclude: [outside], links: keep }');
  assert.equal(PublishAnswer.parse((await lab.mm(PUBLISH)).json).outcome, 'published');
  const { custom } = lab.metadata('2.env-stable.json').signed.targets['stable/current'];
  assert.equal(custom.links, undefined);
});

test('names: backslashes and names that differ in case reach a host of a tree for Linux', async (t) => {
  const lab = await initialized(t);
  await lab.write('modules/a/files/srv-my\\x2ddata.mount', '[Mount]\n');
  await lab.write('modules/a/files/Makefile', 'upper\n');
  await lab.commit('modules/a/files/makefile', 'lower\n');
  const tree = await onHost(t, lab, PublishAnswer.parse((await lab.mm(PUBLISH)).json));
  const text = async (name: string) => await readFile(join(tree, 'modules/a/files', name), 'utf8');
  assert.equal(await text('srv-my\\x2ddata.mount'), '[Mount]\n');
  assert.deepEqual([await text('Makefile'), await text('makefile')], ['upper\n', 'lower\n']);
});

test('names: mm init --tree osx sets ignores_case, and both are refused then', async (t) => {
  const lab = await initialized(t);
  const options = { bucket: BUCKET, tree: 'osx', region: 'us-east-1' };
  const context = { cwd: await temporaryDirectory(t), home: lab.directory } as unknown as Context;
  const { config, configText } = await planInit(context, options);
  assert.equal(config.ignoresCase, true);
  assert.match(configText ?? '', /ignores_case: true/);

  const file = join(lab.repository, 'miyamoto.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('  ubuntu:\n', '  ubuntu:\n    ignores_case: true\n'));
  await lab.write('modules/a/files/Makefile', '');
  await lab.write('modules/a/files/makefile', '');
  await lab.commit('modules/a/files/srv-my\\x2ddata.mount', '');
  const { code, message } = ErrorAnswer.parse((await lab.mm(PUBLISH)).json).error;
  assert.equal(code, 'ARCHIVE_UNSAFE');
  assert.match(message, /backslash/);
  assert.match(message, /Makefile/);
});
