import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { blobKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { CheckoutAnswer } from '../../../../operator/by-hand-answers.ts';
import { paxEntry, type TarEntry, tarArchive, tarGz } from '../../../support/tar-writer.ts';
import { BUCKET, copiedPerTest, initialized, TREE } from '../../operator-lab.ts';
import { ciLab, Thief } from '../key/theft.ts';

const UNSAFE = 'ARCHIVE_UNSAFE';

/** Releases 0.1.0 and 0.1.1 of `stable`. */
const published = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  await lab.write('modules/a/files/run.sh', '#!/bin/sh\n');
  await chmod(join(lab.repository, 'modules/a/files/run.sh'), 0o755);
  await symlink('run.sh', join(lab.repository, 'modules/a/files/link'));
  await lab.commit('manifests/site.pp', '# one\n');
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.commit('manifests/site.pp', '# two\n');
  await lab.mm(['publish', 'stable', '--no-validate']);
  return lab;
});

async function checkout(t: TestContext) {
  const lab = await published(t);
  const into = join(lab.directory, 'new/tree');
  const run = async (...args: string[]) => await lab.mm(['checkout', ...args, '--json']);
  return { lab, into, run, files: async () => (await readdir(into, { recursive: true })).sort() };
}

const FILES = ['.gitignore', 'manifests', 'manifests/site.pp', 'modules', 'modules/a'];
const OWN = ['.mm-checkout.json', '.r10k-deploy.json'];
const MORE = ['modules/a/files', 'modules/a/files/link', 'modules/a/files/run.sh', 'release.json'];

test('checkout: a release as hosts have it, the current one or an earlier one', async (t) => {
  const { lab, into, run, files } = await checkout(t);
  const { json, stderr } = await run('stable=0.1.0', '--into', into);
  const { release, environment, source, entries } = CheckoutAnswer.parse(json, {
    error: () => stderr,
  });
  assert.deepEqual([environment, release?.version, source, entries], ['stable', '0.1.0', null, 6]);
  assert.deepEqual(await files(), [...OWN, ...FILES, ...MORE].sort());
  assert.equal(await readFile(join(into, 'manifests/site.pp'), 'utf8'), '# one\n');
  assert.equal(await readlink(join(into, 'modules/a/files/link')), 'run.sh');
  assert.equal((await stat(join(into, 'modules/a/files/run.sh'))).mode & 0o111, 0o111);
  const now = join(lab.directory, 'now');
  await mkdir(now); // an empty directory is free
  assert.equal((await run('stable', '--into', now)).exitCode, 0);
  assert.equal(await readFile(join(now, 'manifests/site.pp'), 'utf8'), '# two\n');
});

test('checkout: a ref and the work tree, without the bucket', async (t) => {
  const { lab, into, run, files } = await checkout(t);
  await lab.write('manifests/more.pp', '# not committed\n');
  lab.server.requests.length = 0;
  const ofRef = CheckoutAnswer.parse((await run('--ref', 'main', '--into', into)).json);
  assert.deepEqual(await files(), ['.r10k-deploy.json', ...FILES, ...MORE].sort());
  const commit = await lab.git('rev-parse', 'main');
  assert.deepEqual([ofRef.source?.commit, ofRef.release], [commit, null]);
  const written = JSON.parse(await readFile(join(into, 'release.json'), 'utf8')) as object;
  assert.deepEqual({ commit, environment: 'stable', ...written }, written);
  const mine = join(lab.directory, 'mine');
  assert.equal((await run('--working-tree', '--into', mine)).exitCode, 0);
  assert.ok((await readdir(join(mine, 'manifests'))).includes('more.pp'));
  assert.deepEqual(lab.server.requests, []);
});

test('checkout: a tarball that is not the signed one leaves nothing behind', async (t) => {
  const { lab, into, run } = await checkout(t);
  const { json } = await lab.mm(['publish', 'stable', '--no-validate', '--noop', '--json']);
  const { sha256 } = PublishAnswer.parse(json).release;
  lab.server.put(BUCKET, blobKey(TREE, sha256), Buffer.from('another tarball'));
  const done = await run('stable', '--into', into);
  assert.equal(ErrorAnswer.parse(done.json).error.code, 'BLOB_MISMATCH');
  assert.ok(!(await readdir(lab.directory)).includes('new'));
});

test('checkout: a release of a thief writes nothing through its links, in any order', async (t) => {
  const lab = await ciLab(t);
  const victim = join(lab.directory, 'victim');
  await mkdir(victim);
  const away = { path: 'x', type: '2', linkpath: victim };
  const through = { path: 'x/.bash_profile', type: '2', linkpath: '/etc/passwd' };
  const deep = { path: 'x/new/directory/link', type: '2', linkpath: 'x' };
  const thief = new Thief(lab);
  for (const [index, links] of [
    [away, through],
    [through, away],
    [away, deep],
  ].entries()) {
    const bytes = tarGz([{ path: 'manifests/site.pp', content: '# evil\n' }, ...links]);
    await thief.release(bytes, 20 + index);
    const into = join(lab.directory, 'new/tree');
    const done = await lab.mm(['checkout', 'testing', '--into', into, '--json']);
    assert.equal(ErrorAnswer.parse(done.json).error.code, 'ARCHIVE_UNSAFE');
    assert.deepEqual([await readdir(victim), existsSync(into)], [[], false]);
  }
});

test('checkout and diff: a tarball that hosts refuse, and one that they unpack', async (t) => {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  const site: TarEntry = { path: 'manifests/site.pp', content: 'node default { }\n' };
  const directories = (count: number) =>
    Array.from({ length: count }, (_, index): TarEntry => ({ path: `d${index}/`, type: '5' }));
  const long = (bytes: number) => [
    paxEntry({ path: 'd/'.repeat(bytes / 2) }),
    { path: 'd', type: '5' },
  ];
  const zipped = tarGz([site, { path: 'a', content: randomBytes(5000) }]);
  const rows: readonly (readonly [name: string, bytes: Buffer, code: string | undefined])[] = [
    ['paths of 900 KB', tarGz(Array.from({ length: 9 }, () => long(900_000)).flat()), UNSAFE],
    ['a path of 2 KB', tarGz([site, ...long(2000)]), UNSAFE],
    ['directories without end', tarGz(directories(100_001)), 'ARCHIVE_TOO_LARGE'],
    ['a name twice', tarGz([site, site]), UNSAFE],
    ['cut off', zipped.subarray(0, 3000), UNSAFE],
    ['no gzip', Buffer.alloc(5000, 'z'), UNSAFE],
    ['not compressed', tarArchive([site]), UNSAFE],
    ['no byte', gzipSync(''), UNSAFE],
    ['no end mark', gzipSync(tarArchive([site], { end: false })), UNSAFE],
    ['more than 1000:1', tarGz([site, { path: 'a', content: Buffer.alloc(3e7) }]), undefined],
  ];
  for (const [index, [name, bytes, code]] of rows.entries()) {
    await thief.release(bytes, 20 + index);
    const into = join(lab.directory, `new${index}`);
    for (const args of [
      ['checkout', 'testing', '--into', into],
      ['diff', 'stable', 'testing'],
    ]) {
      const { json, stderr } = await lab.mm([...args, '--json']);
      if (code === undefined) {
        assert.ok(!ErrorAnswer.safeParse(json).success, `${name}: ${stderr}`);
        continue;
      }
      const { error } = ErrorAnswer.parse(json, { error: () => `${name}: ${stderr}` });
      assert.equal(error.code, code, name);
      assert.match(error.message, /^release 0\.1\.0, s3:/, name);
      assert.match(error.next ?? '', /mm publish ENVIRONMENT --force/, name);
    }
    assert.equal(existsSync(into), code === undefined, name);
  }
  assert.ok(zipped.length > 3000); // so that the cut is within the tarball
});

test('checkout: wrong input is refused before anything is read', async (t) => {
  const { lab, into, run } = await checkout(t);
  const link = join(lab.directory, 'link');
  await symlink('not-there', link);
  const wrong: Readonly<Record<string, readonly string[]>> = {
    'nothing named': ['--into', into],
    'a release and a ref': ['stable', '--ref', 'main', '--into', into],
    'a directory with files': ['stable', '--into', lab.repository],
    'a file': ['stable', '--into', join(lab.repository, '.gitignore')],
    'a link': ['stable', '--into', link],
    'below a link to nothing': ['stable', '--into', join(link, 'new')],
    'deep below a link to nothing': ['stable', '--into', join(link, 'new/tree')],
    'below a file': ['stable', '--into', join(lab.repository, '.gitignore/new')],
    'no such environment': ['stble', '--into', into],
    'a release without its environment': ['0.1.0', '--into', into],
    'no such release': ['stable=9.9.9', '--into', into],
    'an environment without a release': ['testing', '--into', into],
  };
  for (const [name, args] of Object.entries(wrong)) {
    const { exitCode, json } = await run(...args);
    assert.deepEqual([exitCode, ErrorAnswer.parse(json).error.code], [2, 'USAGE'], name);
  }
  assert.ok(!(await readdir(lab.directory)).includes('new'));
  const { json } = await run('main', '--into', into);
  assert.match(ErrorAnswer.parse(json).error.next ?? '', /--ref main/);
});
