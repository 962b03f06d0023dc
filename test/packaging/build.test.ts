import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { build, ROOT, version } from '../../packaging/build.ts';

const run = promisify(execFile);

/**
 * Parts of each kind: a CommonJS package that requires Node's modules, ESM packages, a lazily
 * loaded part.
 */
const ENTRY = `
import lockfile from 'proper-lockfile';
import { request } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import packageJson from '../../package.json' with { type: 'json' };
console.log('started', packageJson, typeof lockfile.lock, typeof S3Client, typeof request);
if (process.argv[2] === 'late') {
  const { value } = await import('./late.ts');
  console.log(await value());
}
if (process.argv[2] === 'lock') {
  await lockfile.lock(process.argv[3], { realpath: false });
  process.exit();
}
if (process.argv[2] === 'throw') namedFunction();
function namedFunction() { throw new Error('here'); }
`;
const LATE = `
console.log('evaluated');
export const value = async () => typeof (await import('tar')).list;
`;

let directory: string;
before(async () => {
  // Below the checkout, where the fixture finds its packages.
  await mkdir(join(ROOT, 'build'), { recursive: true });
  directory = await mkdtemp(join(ROOT, 'build', 'test-'));
  await writeFile(join(directory, 'entry.ts'), ENTRY);
  await writeFile(join(directory, 'late.ts'), LATE);
});
after(() => rm(directory, { recursive: true }));

async function bundle(t: TestContext): Promise<string> {
  const outputDirectory = await mkdtemp(join(tmpdir(), 'build-test-'));
  t.after(() => rm(outputDirectory, { recursive: true }));
  const programs = { program: relative(ROOT, join(directory, 'entry.ts')) };
  await build({ programs, outputDirectory });
  return join(outputDirectory, 'program.mjs');
}

test('build: the bundle runs without node_modules, and loads lazy imports lazily', async (t) => {
  const program = await bundle(t);
  const plain = await run(process.execPath, [program]);
  assert.equal(
    plain.stdout,
    `started { version: '${await version()}' } function function function\n`,
  );
  const late = await run(process.execPath, [program, 'late']);
  assert.equal(late.stdout, `${plain.stdout}evaluated\nfunction\n`);
});

test('build: a program that exits while it holds a lock leaves no lock', async (t) => {
  const program = await bundle(t);
  const locked = join(directory, 'locked');
  for (let n = 0; n < 2; n += 1) await run(process.execPath, [program, 'lock', locked]);
});

test('build: a stack trace names the functions', async (t) => {
  const failed: { stderr: string } = await run(process.execPath, [await bundle(t), 'throw']).then(
    () => assert.fail('did not throw'),
    (error) => error,
  );
  assert.match(failed.stderr, /Error: here\n\s+at namedFunction /);
  assert.ok(
    failed.stderr.length < 3000,
    `${failed.stderr.length} characters would go to the journal`,
  );
});

test('build: the same sources give the same bytes in any working directory, with the licences of all their packages', async (t) => {
  const first = await bundle(t);
  t.after(() => process.chdir(ROOT));
  process.chdir(tmpdir());
  const second = await bundle(t);
  assert.ok((await readFile(first)).equals(await readFile(second)));

  const licenses = await readFile(join(dirname(first), 'LICENSES.txt'), 'utf8');
  const titles = [...licenses.matchAll(/^(\S+) \d\S*, \S+$/gm)].map((match) => match[1]);
  for (const name of ['@aws-sdk/client-s3', 'graceful-fs', 'proper-lockfile', 'retry', 'tar']) {
    assert.ok(titles.includes(name), `${name} is missing`);
  }
  for (const name of ['esbuild', 'typescript']) {
    assert.ok(!titles.includes(name), `${name} is not shipped`);
  }
});
