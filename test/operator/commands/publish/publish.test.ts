import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { whatToPublish } from '../../../../operator/commands/publish/what-to-publish.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate', '--json'];

test('publish: hosts are offered the tarball of the configured ref', async (t) => {
  const lab = await initialized(t);
  const commit = await lab.git('rev-parse', 'main');
  await lab.write('manifests/site.pp', 'not committed');
  const { exitCode, json, stderr } = await lab.mm(['publish', 'stable', '--json']);
  assert.equal(exitCode, 0, stderr);
  const { outcome, release, previous, versions, objects } = PublishAnswer.parse(json);
  assert.equal(outcome, 'published');
  assert.equal(previous, null);
  assert.deepEqual(
    [release.version, release.commit, release.by],
    ['0.1.0', commit, 'Ann Lee@laptop'],
  );
  assert.equal(versions?.['env-stable'], 2);
  const blob = lab.server.get(BUCKET, objects[0] ?? '');
  assert.equal(
    createHash('sha256')
      .update(blob ?? '')
      .digest('hex'),
    release.sha256,
  );
  const site = execFileSync('tar', ['-xzO', 'manifests/site.pp'], {
    input: blob,
    encoding: 'utf8',
  });
  assert.equal(site, 'node default { }\n');
});

test('publish: the next commit becomes the next version, and the same commit publishes nothing', async (t) => {
  const lab = await initialized(t);
  await lab.mm(PUBLISH);
  const files = lab.files();
  // Within the same second it would count as a retry of the same publication.
  const later = { now: () => Date.now() + 2000 };
  const again = PublishAnswer.parse((await lab.mm(PUBLISH, later)).json);
  assert.deepEqual([again.outcome, again.objects], ['unchanged', []]);
  assert.deepEqual(lab.files(), files);
  const forced = PublishAnswer.parse((await lab.mm([...PUBLISH, '--force'], later)).json);
  assert.deepEqual([forced.outcome, forced.release.version], ['published', '0.1.0']);
  await lab.commit('manifests/more.pp', '');
  const next = PublishAnswer.parse((await lab.mm(PUBLISH)).json);
  assert.deepEqual([next.release.version, next.previous?.version], ['0.1.1', '0.1.0']);
});

test('publish: until when hosts can follow is not about other environments', async (t) => {
  const lab = await initialized(t);
  const now = Date.now() + 200 * 86_400_000;
  const { exitCode, stdout, stderr } = await lab.mm(PUBLISH.slice(0, -1), { now: () => now });
  assert.equal(exitCode, 0, stderr);
  const [, until = ''] = /hosts can follow until (\S+)/.exec(stdout) ?? [];
  assert.ok(Date.parse(until) > now, 'the role of testing has expired');
});

test('publish --noop: names the objects, and writes neither objects nor files', async (t) => {
  const lab = await initialized(t);
  const objects = lab.server.keys(BUCKET);
  const files = await readdir(lab.directory, { recursive: true });
  const { exitCode, json } = await lab.mm([...PUBLISH, '--noop']);
  assert.equal(exitCode, 0);
  const answer = PublishAnswer.parse(json);
  assert.equal(answer.outcome, 'noop');
  assert.deepEqual(lab.server.keys(BUCKET), objects);
  assert.deepEqual(await readdir(lab.directory, { recursive: true }), files);
  const done = PublishAnswer.parse((await lab.mm(PUBLISH)).json);
  assert.deepEqual(done.objects, answer.objects);
});

test('publish --noop: shows what is left out and why, and the largest files', async (t) => {
  const lab = await initialized(t);
  await lab.write('modules/a/spec/a_spec.rb', 'spec\n');
  await lab.write('modules/a/files/big.bin', 'x'.repeat(50_000));
  await lab.write('docs/page', 'page\n');
  await lab.commit('.mmignore', '/docs/\n');
  const { stderr } = await lab.mm([...PUBLISH, '--noop']);
  assert.match(stderr, /left out \(never loaded by Puppet\): 1 file, 5 bytes: .*a_spec\.rb/);
  assert.match(stderr, /left out \(\.mmignore\): 2 files, .*docs\/page/);
  assert.match(stderr, /the largest: modules\/a\/files\/big\.bin \(50000 bytes\)/);
});

test('publish --working-tree: publishes the work tree to the environment of the user', async (t) => {
  const lab = await initialized(t);
  await lab.write('manifests/new.pp', '# untracked\n');
  const { json } = await lab.mm(['publish', '--working-tree', '--no-validate', '--json']);
  const { environment, release, objects } = PublishAnswer.parse(json);
  assert.deepEqual([environment, release.commit], ['dev_ann_lee', null]);
  const names = execFileSync('tar', ['-tz'], {
    input: lab.server.get(BUCKET, objects[0] ?? ''),
    encoding: 'utf8',
  });
  assert.ok(names.split('\n').includes('manifests/new.pp'));
  assert.ok(!names.includes('miyamoto.yaml'), 'it is ignored by git here');
  // The environment of another person is in the same role, and must stay there.
  await lab.mm(['publish', '--working-tree', '--no-validate'], { user: 'bob' });
  const { targets } = lab.metadata('3.env-dev.json').signed;
  assert.deepEqual(Object.keys(targets), ['dev_ann_lee/current', 'dev_bob/current']);
});

test('publish: works from a bare repository with the configuration elsewhere', async (t) => {
  const lab = await initialized(t);
  const bare = join(lab.directory, 'bare.git');
  execFileSync('git', ['clone', '--quiet', '--bare', lab.repository, bare]);
  const config = join(lab.repository, 'miyamoto.yaml');
  execFileSync('sed', ['-i', `1i repository: ${bare}`, config]);
  const args = [...PUBLISH, '--config', config];
  const { exitCode, stderr } = await lab.mm(args, { cwd: bare });
  assert.equal(exitCode, 0, stderr);
});

test('publish: a manifest with a syntax error is refused before anything is written to the bucket', async (t) => {
  const lab = await initialized(t);
  await lab.commit('manifests/site.pp', 'node default {\n');
  lab.server.requests.length = 0;
  const { exitCode, json } = await lab.mm(['publish', 'stable', '--json']);
  assert.equal(exitCode, 1);
  assert.equal(ErrorAnswer.parse(json).error.code, 'RELEASE_INVALID');
  // It is read, because an unchanged release is not checked.
  assert.deepEqual([...new Set(lab.server.requests.map(({ method }) => method))], ['GET']);
  assert.equal((await lab.mm(PUBLISH)).exitCode, 0, '--no-validate');
});

test('publish: a lower version needs a reason', async (t) => {
  const lab = await initialized(t);
  await lab.mm([...PUBLISH, '--version', '2.0.0']);
  const lower = [...PUBLISH, '--version', '1.0.0'];
  assert.equal((await lab.mm(lower)).exitCode, 2);
  const done = await lab.mm([...lower, '--reason', 'renumbered']);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(done.stderr, /lower/);
  assert.equal(PublishAnswer.parse(done.json).release.reason, 'renumbered');
});

const refusals = {
  'a tree with a link that leaves it': {
    spoil: (repository: string) => symlink('/etc/passwd', join(repository, 'manifests/x')),
    args: ['publish', '--working-tree'],
    code: 'ARCHIVE_UNSAFE',
  },
  'no manifests': {
    spoil: (repository: string) => rm(join(repository, 'manifests'), { recursive: true }),
    args: ['publish', '--working-tree'],
    code: 'RELEASE_INVALID',
  },
  'no trust root': {
    spoil: (repository: string) => rm(join(repository, 'ubuntu.root.json')),
    args: PUBLISH,
    code: 'ROOT_MISSING',
  },
  'no keys': {
    spoil: (repository: string) => rm(join(repository, '../home'), { recursive: true }),
    args: PUBLISH,
    code: 'KEY_MISSING',
  },
  'unknown environment': {
    spoil: () => undefined,
    args: ['publish', 'prod'],
    code: 'ENVIRONMENT_UNKNOWN',
  },
  'environment without a delegation': {
    spoil: () => undefined,
    args: ['publish', 'prod', '--ref', 'main'],
    code: 'ENVIRONMENT_UNKNOWN',
  },
  'unknown ref': {
    spoil: () => undefined,
    args: ['publish', 'stable', '--ref', 'nope'],
    code: 'GIT_FAILED',
  },
};

for (const [name, { spoil, args, code }] of Object.entries(refusals)) {
  test(`publish: ${name} is ${code}, and nothing is uploaded`, async (t) => {
    const lab = await initialized(t);
    const objects = lab.server.keys(BUCKET);
    await spoil(lab.repository);
    const { exitCode, json } = await lab.mm([...args, '--no-validate', '--json']);
    assert.equal(exitCode, 1);
    assert.equal(ErrorAnswer.parse(json).error.code, code);
    const metadata = (keys: readonly string[]) => keys.filter((key) => !key.includes('/blobs/'));
    assert.deepEqual(metadata(lab.server.keys(BUCKET)), metadata(objects));
  });
}

test('publish: leaves nothing in the temporary directory', async (t) => {
  const lab = await initialized(t);
  // A separate directory: other tests use the common one at the same time.
  const own = await temporaryDirectory(t);
  const { TMPDIR } = process.env;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  process.env['TMPDIR'] = own;
  await lab.mm(['publish', 'stable']);
  await lab.mm(['publish', 'stable', '--noop']);
  await lab.commit('manifests/site.pp', '{');
  await lab.mm(['publish', 'stable']);
  assert.deepEqual(await readdir(own), []);
});

const refs = new Map([['stable', 'main']]);
const wanted = {
  'the configured ref': {
    given: 'stable',
    options: {},
    want: { environment: 'stable', ref: 'main' },
  },
  'another ref': {
    given: 'stable',
    options: { ref: 'fix' },
    want: { environment: 'stable', ref: 'fix' },
  },
  'an environment of one ref only': {
    given: 'dev_x',
    options: { ref: 'x' },
    want: { environment: 'dev_x', ref: 'x' },
  },
  'a branch that only a job has checked out': {
    given: 'feature/x-1',
    options: { ref: 'HEAD' },
    want: { environment: 'feature_x_1', ref: 'HEAD', branch: 'feature/x-1' },
  },
  'the work tree': {
    given: undefined,
    options: { workingTree: true },
    want: { environment: 'dev_j_rg_x_y', ref: undefined },
  },
  'the work tree for a named environment': {
    given: 'testing',
    options: { workingTree: true },
    want: { environment: 'testing', ref: undefined },
  },
};

const context = { user: 'J\u00f6rg.x-Y', cwd: '/', env: { PATH: process.env['PATH'] } };

for (const [name, { given, options, want }] of Object.entries(wanted)) {
  test(`publish accepts: ${name}`, async () => {
    const config = { refs, repository: '/nowhere' };
    const what = await whatToPublish(context, config, { environment: given, options });
    assert.deepEqual(what, want);
  });
}

for (const [given, options] of [
  [undefined, {}],
  ['sta-ble-'.repeat(9), {}],
  ['../x', { workingTree: true }],
  ['stable', { workingTree: true, ref: 'main' }],
  ['st/able', {}],
] as const) {
  test(`publish refuses: ${given} ${JSON.stringify(options)}`, async () => {
    const config = { refs: new Map([...refs, ['st_able', 'main']]), repository: '/nowhere' };
    const what = whatToPublish(context, config, { environment: given, options });
    await assert.rejects(what, { code: 'USAGE' });
  });
}
