import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostPaths } from '../../../agent/paths.ts';
import { openBucket } from '../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { bucketSource } from '../../../trust/metadata/source.ts';
import { refresh } from '../../../trust/reader.ts';
import {
  BUCKET,
  copiedPerTest,
  initialized,
  MACHINE,
  type OperatorLab,
  TREE,
} from '../../operator/operator-lab.ts';
import { builtProgram } from '../../support/built-program.ts';

/** Large enough for more than one chunk. */
const CONTENT = Buffer.alloc(300_000, 'binary');
const NAME = 'tools_1.0~rc1_amd64.deb';
const KEY = `${TREE}/binaries/${createHash('sha256').update(CONTENT).digest('hex')}.${NAME}`;

const treeWithBinary = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  const file = join(lab.directory, NAME);
  await writeFile(file, CONTENT);
  for (const args of [['init'], ['put', file]]) await mmBinaries(lab, ...args);
  return lab;
});

/** A tree with one binary, and a host that has polled since. */
async function binaryLab(t: TestContext) {
  const lab = await treeWithBinary(t);
  const root = join(lab.directory, 'host');
  const paths = hostPaths({ platform: process.platform === 'darwin' ? 'darwin' : 'linux', root });
  await mkdir(paths.configDirectory, { recursive: true });
  const [rootFile = ''] = (await readdir(lab.repository)).filter((each) =>
    /root\.json$/.test(each),
  );
  await writeFile(paths.trustRoot, await readFile(join(lab.repository, rootFile)));
  const { endpoint, region } = lab.server;
  const s3 = `{ endpoint: ${endpoint}, region: ${region}, max_attempts: 1 }`;
  const config = [`bucket: ${BUCKET}`, `tree: ${TREE}`, 'environment: stable', `s3: ${s3}`];
  await writeFile(paths.configFile, [...config, 'certname: web1', ''].join('\n'), { mode: 0o600 });
  const poll = async () => {
    const bucket = await openBucket(BUCKET, S3Settings.parse({ endpoint, region }));
    await refresh({
      ...{ directory: paths.trust, packagedRoot: await readFile(paths.trustRoot) },
      ...{ environments: ['stable'], clock: Date, etag: undefined },
      source: bucketSource(bucket, TREE),
    });
    bucket.close();
  };
  await poll();
  return { lab, paths, poll, binary: (...args: string[]) => run(root, args) };
}

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(root: string, args: readonly string[]): Promise<Ended> {
  const { accessKeyId, secretAccessKey } = MACHINE;
  const env = {
    ...{ PATH: process.env['PATH'], HOME: root },
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  };
  const [program = '', ...words] = await builtProgram('mm-agent');
  const argv = [...words, '--root', root, 'binary', ...args];
  return await new Promise((resolve) => {
    execFile(program, argv, { env }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function mmBinaries(lab: OperatorLab, ...args: string[]): Promise<void> {
  const { exitCode, stderr } = await lab.mm(['binaries', ...args]);
  assert.equal(exitCode, 0, stderr);
}

test('binary: downloads once, verifies, prints the path, and removes what is not signed any more', async (t) => {
  const { lab, paths, poll, binary } = await binaryLab(t);
  const path = join(paths.binaries, NAME);
  await mkdir(paths.binaryDownloads, { recursive: true });
  const abandoned = join(paths.binaryDownloads, `${'a'.repeat(64)}.unverified`);
  await writeFile(abandoned, 'of a binary that nobody wants any more');
  await utimes(abandoned, 0, 0);
  const first = await binary(NAME, '--json');
  assert.equal(first.exitCode, 0, first.stderr);
  const answer = JSON.parse(first.stdout);
  assert.deepEqual([answer.path, answer.length, answer.downloaded], [path, CONTENT.length, true]);
  assert.deepEqual(await readFile(path), CONTENT);
  assert.deepEqual(await readdir(paths.binaryDownloads), []);

  lab.server.requests.length = 0;
  const again = await binary(NAME);
  assert.equal(again.stdout, `${path}\n`, again.stderr);
  const asked = lab.server.requests.map(({ key }) => key.replace(/^.*\//, ''));
  assert.deepEqual(asked, ['2.binaries.json'], 'the list, and nothing else');

  await writeFile(path, 'changed on the disk');
  assert.equal((await binary(NAME)).exitCode, 0);
  assert.deepEqual(await readFile(path), CONTENT);

  const other = join(lab.directory, 'other.pkg');
  await writeFile(other, 'other');
  await mmBinaries(lab, 'put', other);
  await mmBinaries(lab, 'remove', NAME, '--yes');
  assert.equal((await binary('other.pkg')).exitCode, 23, 'not known before a poll');
  await poll();
  assert.equal((await binary('other.pkg')).exitCode, 0);
  assert.deepEqual((await readdir(paths.binaries)).sort(), ['.downloads', 'other.pkg']);
});

test('binary: an object that somebody swapped is refused, and no file gets its name', async (t) => {
  const { lab, paths, binary } = await binaryLab(t);
  const swapped = Buffer.from(CONTENT);
  swapped[1000] = 0;
  lab.server.put(BUCKET, KEY, swapped);
  const { exitCode, stderr } = await binary(NAME);
  assert.equal(exitCode, 23);
  assert.match(stderr, /wanted sha256|sha256/);
  assert.deepEqual(await readdir(paths.binaries), ['.downloads']);
  assert.deepEqual(await readdir(paths.binaryDownloads), []);
});

test('binary: a download that broke off goes on with the next call', async (t) => {
  const { lab, binary } = await binaryLab(t);
  lab.server.faults.add({ kind: 'cut-body', match: { key: KEY }, times: 3 });
  assert.equal((await binary(NAME)).exitCode, 22);
  lab.server.faults.clear();
  lab.server.requests.length = 0;
  assert.equal((await binary(NAME)).exitCode, 0);
  const [range] = lab.server.requests.flatMap(({ headers }) => headers.range ?? []);
  assert.match(String(range), /^bytes=[1-9]\d*-$/);
});

/** Words after `binary`, and the exit code. */
const WRONG: Record<string, readonly [args: readonly string[], exitCode: number]> = {
  'no name': [[], 20],
  'two names': [['a.deb', 'b.deb'], 20],
  'a path': [['../root.json'], 20],
  'a name that nobody signed': [['tools.deb'], 23],
};
test('binary: wrong names are refused, and nothing is downloaded', async (t) => {
  const { paths, binary } = await binaryLab(t);
  for (const [name, [args, exitCode]] of Object.entries(WRONG)) {
    const done = await binary(...args);
    assert.equal(done.exitCode, exitCode, `${name}: ${done.stderr}`);
  }
  assert.deepEqual(await readdir(paths.binaries), ['.downloads']);
});
