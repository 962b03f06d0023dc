import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { blobKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { DiffAnswer } from '../../../../operator/diff-answer.ts';
import { BUCKET, initialized, type OperatorLab, TREE } from '../../operator-lab.ts';

/** Two releases of `stable` (0.1.0, 0.1.1), one of `testing`, and one more commit. */
async function published(t: TestContext): Promise<OperatorLab> {
  const lab = await initialized(t);
  await lab.write('modules/web/metadata.json', '{"name": "a-web", "version": "1.0.0"}\n');
  await lab.write('modules/old/manifests/init.pp', 'class old { }\n');
  await lab.write('modules/web/files/logo.png', 'PNG\0old');
  await lab.commit('manifests/site.pp', 'node default {\n  include web\n}\n');
  await publish(lab, 'stable');
  await publish(lab, 'testing', '--ref', 'main');
  await lab.git('rm', '--quiet', '-r', 'modules/old');
  await lab.write('modules/web/metadata.json', '{"name": "a-web", "version": "1.1.0"}\n');
  await lab.write('modules/web/manifests/init.pp', 'class web {\n}\n');
  await lab.write('modules/web/files/logo.png', 'PNG\0new');
  await lab.commit('manifests/site.pp', 'node default {\n  include web\n  notify { "a": }\n}\n');
  await publish(lab, 'stable');
  await lab.commit('data/common.yaml', 'a: 1');
  return lab;
}

async function publish(lab: OperatorLab, environment: string, ...more: string[]): Promise<void> {
  const done = await lab.mm(['publish', environment, '--no-validate', ...more]);
  assert.equal(done.exitCode, 0, done.stderr);
}

async function diff(lab: OperatorLab, ...args: string[]): Promise<DiffAnswer> {
  const { exitCode, json, stderr } = await lab.mm(['diff', ...args, '--json']);
  assert.equal(exitCode, 0, stderr);
  return DiffAnswer.parse(json);
}

const RELEASES = {
  files: [
    '~ manifests/site.pp 1 0',
    '~ modules/web/files/logo.png null null',
    '+ modules/web/manifests/init.pp 2 0',
    '~ modules/web/metadata.json 1 1',
    '- modules/old/manifests/init.pp 0 1',
  ],
  modules: ['- old null -> undefined, 1 files', '~ web 1.0.0 -> 1.1.0, 3 files'],
};
const COMMIT = { files: ['+ data/common.yaml 1 0'], modules: [] };

const SIGN = { added: '+', removed: '-', changed: '~' };

function briefly({ files, modules }: DiffAnswer): object {
  return {
    files: files
      .map((each) => `${SIGN[each.change]} ${each.path} ${each.linesAdded} ${each.linesRemoved}`)
      .sort(),
    modules: modules.map(
      ({ name, change, before, after, files: count }) =>
        `${SIGN[change]} ${name} ${before?.version} -> ${after?.version}, ${count} files`,
    ),
  };
}

test('diff: two releases: files with counts of lines, modules, versions', async (t) => {
  const lab = await published(t);
  const want = { ...RELEASES, files: RELEASES.files.toSorted() };
  const rows = {
    'by version, environment named once': ['stable=0.1.0', '0.1.1'],
    'by version, both named': ['stable=0.1.0', 'stable=0.1.1'],
    'an earlier release with the current one': ['stable=0.1.0', 'stable'],
    'the current releases of two environments': ['testing', 'stable'],
    'by sha256': [`stable=${(await diff(lab, 'stable=0.1.0', 'stable')).before.sha256}`, 'stable'],
  };
  for (const [name, args] of Object.entries(rows)) {
    const answer = await diff(lab, ...args);
    assert.deepEqual(briefly(answer), want, name);
    assert.equal(answer.after.version, '0.1.1', name);
  }
});

test('diff: a release and a git ref, or the work tree', async (t) => {
  const lab = await published(t);
  for (const args of [['stable'], ['stable', 'main'], ['0.1.1', 'main', '--config', 'one.yaml']]) {
    if (args.includes('one.yaml')) await withOneEnvironment(lab);
    const answer = await diff(lab, ...args);
    assert.deepEqual(briefly(answer), COMMIT, args.join(' '));
    assert.deepEqual([answer.environment, answer.after.name], ['stable', 'main']);
  }
  await lab.write('manifests/new.pp', '');
  const { files, after } = await diff(lab, 'stable', '--working-tree');
  assert.deepEqual(
    [files.map(({ path }) => path), after.commit],
    [['data/common.yaml', 'manifests/new.pp', 'one.yaml'], null],
  );
});

async function withOneEnvironment(lab: OperatorLab): Promise<void> {
  const text = await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8');
  await lab.write('one.yaml', text.replace(/\n +testing:\n? .*/, ''));
}

test('diff: before the first publication everything is new, and nothing is published', async (t) => {
  const lab = await initialized(t);
  const keys = lab.server.keys(BUCKET);
  const answer = await diff(lab, 'stable');
  assert.deepEqual(
    answer.files.map(({ path, change }) => `${SIGN[change]} ${path}`),
    ['+ .gitignore', '+ manifests/site.pp'],
  );
  assert.deepEqual([answer.before.version, lab.server.keys(BUCKET)], [null, keys]);
});

test('diff: the bill of materials names source and commit of a module', async (t) => {
  const lab = await initialized(t);
  await publish(lab, 'stable');
  const module = join(lab.directory, 'module');
  await lab.git('init', '--quiet', module);
  await lab.git('-C', module, 'commit', '--quiet', '--allow-empty', '--message', 'a');
  await lab.write('../module/metadata.json', '{"version": "3.0.0"}');
  await lab.git('-C', module, 'add', '--all');
  await lab.git('-C', module, 'commit', '--quiet', '--message', 'b');
  const add = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet'];
  await lab.git(...add, module, 'modules/apt');
  const commit = await lab.commit('a', '');
  const { modules, after } = await diff(lab, 'stable');
  const inner = await lab.git('-C', join(lab.repository, 'modules/apt'), 'rev-parse', 'HEAD');
  assert.equal(after.commit, commit);
  assert.deepEqual(modules, [
    {
      name: 'apt',
      change: 'added',
      before: null,
      after: { version: '3.0.0', source: module, commit: inner },
      files: 1,
    },
  ]);
});

test('diff: the text has a line for each file and module', async (t) => {
  const lab = await published(t);
  const { stdout } = await lab.mm(['diff', 'stable=0.1.0', 'stable']);
  for (const line of [
    /^stable 0\.1\.0 \(commit \w{10}\) -> stable 0\.1\.1 \(commit \w{10}\)$/m,
    /^files: 1 added, 1 removed, 3 changed$/m,
    /^ {2}~ manifests\/site\.pp {2}\+1 -0$/m,
    /^modules: 0 added, 1 removed, 1 changed$/m,
    /^ {2}~ web {2}1\.0\.0 -> 1\.1\.0, 3 files$/m,
  ]) {
    assert.match(stdout, line);
  }
});

const refusals = {
  'a release that never was': { args: ['stable', '9.9.9'], code: 'USAGE' },
  'a ref alone': { args: ['main'], code: 'USAGE' },
  'two refs, and more than one environment': { args: ['main', 'testing~0'], code: 'USAGE' },
  'the work tree and a ref': { args: ['stable', 'main', '--working-tree'], code: 'USAGE' },
  'a ref that does not exist': { args: ['stable', 'nope'], code: 'GIT_FAILED' },
  'an environment without a role': { args: ['nope=1.0.0', 'main'], code: 'ENVIRONMENT_UNKNOWN' },
};

for (const [name, { args, code }] of Object.entries(refusals)) {
  test(`diff: ${name} is ${code}`, async (t) => {
    const lab = await initialized(t);
    const { json, exitCode } = await lab.mm(['diff', ...args, '--json']);
    assert.equal(ErrorAnswer.parse(json).error.code, code);
    assert.equal(exitCode, code === 'USAGE' ? 2 : 1);
  });
}

test('diff: a tarball that is not the signed one is BLOB_MISMATCH, a missing one RELEASE_INVALID', async (t) => {
  const lab = await published(t);
  const { before } = await diff(lab, 'stable=0.1.0', 'stable');
  const key = blobKey(TREE, before.sha256 ?? '');
  const bytes = Buffer.from(lab.server.get(BUCKET, key) ?? '');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  lab.server.put(BUCKET, key, bytes);
  const changed = await lab.mm(['diff', 'stable=0.1.0', 'stable', '--json']);
  assert.equal(ErrorAnswer.parse(changed.json).error.code, 'BLOB_MISMATCH');
  lab.server.delete(BUCKET, key);
  const gone = await lab.mm(['diff', 'stable=0.1.0', 'stable', '--json']);
  assert.equal(ErrorAnswer.parse(gone.json).error.code, 'RELEASE_INVALID');
});

test('diff: leaves nothing behind', async (t) => {
  const lab = await published(t);
  const files = await readdir(lab.repository, { recursive: true });
  await diff(lab, 'stable=0.1.0', 'stable');
  assert.deepEqual(await readdir(lab.repository, { recursive: true }), files);
});
