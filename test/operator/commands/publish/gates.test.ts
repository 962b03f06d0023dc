import assert from 'node:assert/strict';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--json'];
const BROKEN = 'class broken {\n  notify { "a" }\n}\n';
/** After the second in which it would count as a retry of the same publication. */
const later = { now: () => Date.now() + 2000 };

test('publish: all errors are shown with place and snippet, and nothing is uploaded', async (t) => {
  const lab = await initialized(t);
  await lab.write('modules/broken/manifests/init.pp', BROKEN);
  await lab.write('modules/broken/files/selinux/x.pp', '\u0000');
  await lab.write('modules/broken/spec/fixtures/broken.pp', '{');
  await lab.commit('data/common.yaml', 'a: [1\n');
  const before = lab.server.keys(BUCKET);
  const { exitCode, json, stderr } = await lab.mm(PUBLISH);
  assert.equal(exitCode, 1);
  const { code, problems } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'RELEASE_INVALID');
  assert.deepEqual(
    problems?.map(({ level, path, kind, line, column, source }) => {
      return [level, path, kind, line, column, source];
    }),
    [
      ['error', 'data/common.yaml', 'yaml', 1, 4, 'a: [1'],
      ['error', 'modules/broken/manifests/init.pp', 'puppet', 2, 16, 'notify { "a" }'],
    ],
  );
  assert.ok(stderr.includes('    modules/broken/manifests/init.pp:2:16: Syntax error'), stderr);
  assert.ok(stderr.includes(`      notify { "a" }\n      ${' '.repeat(13)}^\n`), stderr);
  assert.deepEqual(lab.server.keys(BUCKET), before);
});

test('publish: what Puppet would load is checked, and the answer says how much', async (t) => {
  const lab = await initialized(t);
  await lab.commit('data/common.yaml', 'a: 1\na: 2\n');
  const first = await lab.mm(PUBLISH);
  const { gates } = PublishAnswer.parse(first.json);
  assert.deepEqual([gates?.loaded, gates?.checked], [2, 2]);
  assert.match(gates?.tools?.puppet ?? '', /^\d+\./);
  assert.deepEqual(
    gates?.warnings.map(({ level, path, line }) => [level, path, line]),
    [['warning', 'data/common.yaml', 2]],
  );
  assert.match(first.stderr, /warning: data\/common\.yaml:2:1: /);
  await lab.commit('manifests/more.pp', '# More.\n');
  const second = PublishAnswer.parse((await lab.mm(PUBLISH)).json);
  assert.deepEqual([second.gates?.loaded, second.gates?.checked], [3, 1]);
});

test('publish: an unchanged republication ends before the gates', async (t) => {
  const lab = await initialized(t);
  // Passes only without the gates.
  await lab.commit('modules/broken/manifests/init.pp', BROKEN);
  assert.equal((await lab.mm([...PUBLISH, '--no-validate'])).exitCode, 0);
  const { json, stderr } = await lab.mm(PUBLISH, later);
  const { outcome, gates } = PublishAnswer.parse(json);
  assert.deepEqual([outcome, gates], ['unchanged', null], stderr);
  assert.equal((await lab.mm([...PUBLISH, '--force'], later)).exitCode, 1);
});

test('publish --noop: the gates look and remember nothing', async (t) => {
  const lab = await initialized(t);
  const files = await readdir(lab.directory, { recursive: true });
  for (const _ of [1, 2]) {
    const { gates } = PublishAnswer.parse((await lab.mm([...PUBLISH, '--noop'])).json);
    assert.equal(gates?.checked, 1);
  }
  assert.deepEqual(await readdir(lab.directory, { recursive: true }), files);
});

test('publish --strict: warnings are refused, too', async (t) => {
  const lab = await initialized(t);
  await lab.commit('data/common.yaml', 'a: 1\na: 2\n');
  const { exitCode, json } = await lab.mm([...PUBLISH, '--strict']);
  const { code, problems } = ErrorAnswer.parse(json).error;
  assert.deepEqual([exitCode, code, problems?.length], [1, 'RELEASE_INVALID', 1]);
});

test('publish --strict: a missing program is PUPPET_MISSING', async (t) => {
  const lab = await initialized(t);
  const library = await temporaryDirectory(t);
  await writeFile(join(library, 'puppet-lint.rb'), "raise LoadError, 'not installed'\n");
  const env = { ...process.env, RUBYLIB: library };
  const { exitCode, json } = await lab.mm([...PUBLISH, '--strict'], { env });
  assert.deepEqual([exitCode, ErrorAnswer.parse(json).error.code], [1, 'PUPPET_MISSING']);
  const lenient = await lab.mm(PUBLISH, { env });
  assert.equal(PublishAnswer.parse(lenient.json).gates?.skipped.length, 1);
  assert.match(lenient.stderr, /puppet-lint is not installed/);
});

test('publish --strict --no-validate is wrong usage', async (t) => {
  const lab = await initialized(t);
  const { exitCode } = await lab.mm([...PUBLISH, '--strict', '--no-validate']);
  assert.equal(exitCode, 2);
});

test('publish: a list of good files that others can write is refused', async (t) => {
  const lab = await initialized(t);
  await lab.mm(PUBLISH);
  await lab.commit('manifests/more.pp', '# More.\n');
  await chmod(join(lab.repository, '.miyamoto/ubuntu/gates'), 0o666);
  const { json } = await lab.mm(PUBLISH);
  assert.equal(ErrorAnswer.parse(json).error.code, 'FILE_UNSAFE');
});
