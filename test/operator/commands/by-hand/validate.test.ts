import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { ValidateAnswer } from '../../../../operator/by-hand-answers.ts';
import { type Done, openOperatorLab } from '../../operator-lab.ts';

const JSON_ARGS = ['validate', '--json'];
const TREES = ['bucket: fleet', 'trees:', '  ubuntu:', '    id: a/ubuntu'];
const CONFIG = [...TREES, '    environments:', '      stable: { ref: main }', ''].join('\n');

function findings({ json, stderr }: Done): unknown[] {
  assert.ok(json !== undefined, stderr);
  return ValidateAnswer.parse(json).findings.map(({ level, path, line }) => [level, path, line]);
}

test('validate: all findings with their lines, without keys, bucket and miyamoto.yaml', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.commit('modules/a/manifests/init.pp', 'class a {\n  notify { "a" }\n}\n');
  await lab.write('modules/a/files/id', `x\n-----BEGIN PRIVATE ${'KEY'}-----\nMIIEvQ==\n`);
  await lab.write('data/common.yaml', 'a: 1\na: 2\n');
  await symlink('/etc/passwd', join(lab.repository, 'manifests/outside'));
  const done = await lab.mm(JSON_ARGS);
  const { outcome, count, gates, source } = ValidateAnswer.parse(done.json);
  assert.deepEqual([done.exitCode, outcome, count, gates.loaded], [1, 'invalid', 4, 3]);
  assert.deepEqual(source, { ref: null, commit: null, directory: lab.repository });
  assert.deepEqual(findings(done), [
    ['error', 'manifests/outside', null],
    ['error', 'modules/a/files/id', 2],
    ['error', 'modules/a/manifests/init.pp', 2],
    ['warning', 'data/common.yaml', 2],
  ]);
  const { stdout } = await lab.mm(['validate']);
  assert.match(stdout, /^modules\/a\/manifests\/init\.pp:2:16: error: /m);
  assert.match(stdout, /^modules\/a\/files\/id:2: error: /m);
  assert.deepEqual(lab.server.requests, []);
});

test('validate: the work tree, a ref or a directory, and what is good is checked once', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('miyamoto.yaml', CONFIG);
  const commit = await lab.commit('data/common.yaml', 'a: 1\na: 2\n');
  await lab.write('data/common.yaml', 'a: 1\n');
  const checked = async (...more: string[]) => {
    const done = await lab.mm([...JSON_ARGS, ...more]);
    const { gates, source } = ValidateAnswer.parse(done.json);
    return [done.exitCode, gates.checked, source.commit, findings(done).length];
  };
  assert.deepEqual(await checked('--ref', 'main'), [0, 2, commit, 1]);
  // A person who fixes one warning must still see the others.
  assert.deepEqual(await checked('--ref', 'main'), [0, 1, commit, 1]);
  assert.deepEqual(await checked('--ref', 'main', '--strict'), [1, 1, commit, 1]);
  assert.deepEqual(await checked('--working-tree'), [0, 1, null, 0]);
  assert.deepEqual(await checked('.'), [0, 0, commit, 0]);
});

test('validate: the names must be right for the hosts of every tree', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('manifests/SITE.pp', '# The same name on macOS.\n');
  await lab.write('miyamoto.yaml', CONFIG);
  assert.equal((await lab.mm(JSON_ARGS)).exitCode, 0);
  const mac = '  osx: { id: a/osx, ignores_case: true, environments: {} }\n';
  await writeFile(join(lab.repository, 'miyamoto.yaml'), CONFIG + mac);
  assert.deepEqual(findings(await lab.mm(JSON_ARGS)), [['error', 'manifests/site.pp', null]]);
  assert.equal((await lab.mm([...JSON_ARGS, '--tree', 'ubuntu'])).exitCode, 0);
});

const WRONG: Readonly<Record<string, { readonly args: readonly string[]; code: string }>> = {
  'a ref and a directory': { args: ['--ref', 'main', '.'], code: 'USAGE' },
  'a file': { args: ['miyamoto.yaml'], code: 'USAGE' },
  'no such directory': { args: ['stable'], code: 'USAGE' },
  'no such ref': { args: ['--ref', 'nope'], code: 'GIT_FAILED' },
  'no such tree': { args: ['--tree', 'nope'], code: 'USAGE' },
  'no such configuration': { args: ['--config', 'nope.yaml'], code: 'CONFIG_MISSING' },
  'keys inside the repository': { args: ['--config', 'inside.yaml'], code: 'CONFIG_INVALID' },
};

test('validate: wrong input says what is wrong', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.write('miyamoto.yaml', CONFIG);
  await lab.write('inside.yaml', `${CONFIG}keys: keys\n`);
  for (const [name, { args, code }] of Object.entries(WRONG)) {
    const { exitCode, json } = await lab.mm([...JSON_ARGS, ...args]);
    assert.equal(ErrorAnswer.parse(json).error.code, code, name);
    assert.equal(exitCode, code === 'USAGE' ? 2 : 1, name);
  }
  const { stderr } = await lab.mm(['validate', 'stable']);
  assert.match(stderr, /^next: mm validate --ref main,/m);
  assert.match(await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8'), /^bucket/);
});
