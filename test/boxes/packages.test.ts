import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, version } from '../../packaging/build.ts';
import { writePackage } from '../../packaging/contents/plan.ts';
import { planDeb } from '../../packaging/deb/deb.ts';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { Parts } from '../../packaging/linux/linux-package.ts';
import { copyCheckoutTo } from '../support/copy-checkout.ts';
import { NOBODY } from '../support/ordinary-user.ts';
import { withEnvironment } from '../support/with-environment.ts';
import { startFleet } from './fleet.ts';
import { builtParts } from './parts.ts';

/**
 * All packages, as `npm run package` makes them, and those of a site: the same bytes twice, what
 * the tools of Debian say of them, and the programs for arm64, which an emulated processor starts.
 */

const run = promisify(execFile);
const VERSION = await version();
const PACKAGES = ['miyamoto-agent', 'miyamoto'].flatMap((name) => [
  ...['amd64', 'arm64'].map((each) => `${name}_${VERSION}_${each}.deb`),
  ...['x86_64', 'aarch64'].map((each) => `${name}-${VERSION}-1.${each}.rpm`),
  ...['x86_64', 'arm64'].map((each) => `${name}-${VERSION}-${each}.pkg`),
]);
/** Debian's libraries of arm64 for cross compilers. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const AARCH64 = 183;

let directory: string;
let parts: Parts;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-packages-test-'));
  await chmod(directory, 0o755);
  parts = await builtParts(at('parts'));
});
after(() => rm(directory, { recursive: true }));

/** Returns how each line of a package ends: its size, and `12 s` or `unchanged`. */
async function make(folder: string): Promise<Map<string, string>> {
  const words = ['packaging/package.ts', '--compression=zstd', `--output=${at(folder)}`];
  const { stdout } = await run(process.execPath, words, { cwd: ROOT });
  const lines = stdout.matchAll(/^(\S+) {2}([\d.]+ MB) {2}(\d+ s|unchanged)$/gm);
  return new Map([...lines].map(([, path = '', , end = '']) => [basename(path), end]));
}

/** As on another machine. */
async function makeElsewhere(folder: string): Promise<void> {
  const checkout = at('elsewhere');
  await copyCheckoutTo(checkout);
  await run('cp', ['--archive', join(ROOT, 'node_modules'), checkout]);
  await mkdir(at(folder));
  await run('chown', ['-R', `${NOBODY}:${NOBODY}`, checkout, at(folder)]);
  const words = `packaging/package.ts --compression=zstd --output=${at(folder)}`;
  await run('sh', ['-euc', `umask 077; exec node_modules/.bin/node ${words}`], {
    cwd: checkout,
    uid: NOBODY,
    gid: NOBODY,
    env: {
      ...{ PATH: process.env['PATH'], HOME: checkout, TMPDIR: checkout },
      ...{ TZ: 'Asia/Kathmandu', LC_ALL: 'C', SOURCE_DATE_EPOCH: '1' },
    },
  });
  await rm(checkout, { recursive: true });
}

const at = (...names: readonly string[]) => join(directory, ...names);
const made = (extension: string) => PACKAGES.filter((name) => name.endsWith(extension));

test('packages: one command makes all of them, and says how far it is', async () => {
  const lines = await make('first');
  assert.deepEqual([...lines.keys()].sort(), [...PACKAGES].sort());
  const files = await readdir(at('first'));
  assert.deepEqual(files.filter((name) => !name.startsWith('.')).sort(), [...PACKAGES].sort());
});

test('packages: the second call makes none again', async () => {
  assert.deepEqual(new Set((await make('first')).values()), new Set(['unchanged']));
});

test('packages: in another folder, by another user with another umask, time zone and language they become the same bytes', async () => {
  await makeElsewhere('second');
  for (const name of PACKAGES) {
    const [one, two] = await Promise.all(
      ['first', 'second'].map((folder) => readFile(at(folder, name))),
    );
    assert.ok(one?.equals(two ?? Buffer.of()), name);
  }
});

test('packages: the deb of a release has less than 30 MB', async () => {
  const deb = await planDeb(AGENT, parts, 'xz');
  await writePackage(deb, at('release'));
  assert.ok((await stat(at('release', deb.fileName))).size < 30e6);
});

test('packages: the number of threads of the builder changes no byte of a release', async () => {
  const { runtime } = parts;
  // With several threads, xz cuts what is larger than 24 MiB.
  const part = { ...runtime, program: runtime.program.subarray(0, 30 * 2 ** 20) };
  const deb = await planDeb(AGENT, { ...parts, runtime: part }, 'xz');
  for (const threads of ['1', '8']) {
    await withEnvironment({ DPKG_DEB_THREADS_MAX: threads }, () => deb.write(at(threads)));
  }
  assert.ok((await readFile(at('1'))).equals(await readFile(at('8'))));
});

test('packages: a site package of each format', async () => {
  await mkdir(at('site'));
  await using fleet = await startFleet(at('site'), join(ROOT, 'dist/mm.mjs'));
  for (const format of ['deb', 'rpm'] as const) await fleet.sitePackage(format);
});

test('packages: lintian finds nothing in the debs but what has a reason', async () => {
  const site = (await readdir(at('site'))).filter((name) => name.endsWith('.deb'));
  const debs = [...made('deb').map((name) => at('first', name)), at('site', site[0] ?? '')];
  for (const deb of debs) {
    // Lintian of Debian 12 cannot read zstd.
    const xz = at(basename(deb));
    await run('dpkg-deb', ['--raw-extract', deb, at('raw')]);
    await run('dpkg-deb', ['-Zxz', '-z0', '--root-owner-group', '--build', at('raw'), xz]);
    await rm(at('raw'), { recursive: true });
    const words = ['--allow-root', '--fail-on=error,warning,info', '--tag-display-limit=0', xz];
    await run('lintian', words);
  }
});

test('packages: rpmlint finds nothing in the rpms but what has a reason', async () => {
  const site = (await readdir(at('site'))).filter((name) => name.endsWith('.rpm'));
  const rpms = [...made('rpm').map((name) => at('first', name)), at('site', site[0] ?? '')];
  const words = ['--strict', `--config=${join(ROOT, 'packaging/rpm/rpmlint.toml')}`, ...rpms];
  await run('rpmlint', words);
});

for (const name of ['miyamoto-agent', 'miyamoto']) {
  test(`packages: the program of ${name} for arm64 starts, and is the same in deb and rpm`, async () => {
    const deb = at('first', `${name}_${VERSION}_arm64.deb`);
    assert.equal((await run('dpkg-deb', ['--field', deb, 'Architecture'])).stdout, 'arm64\n');
    await run('dpkg-deb', ['--extract', deb, at(name)]);
    const libexec = name === 'miyamoto' ? 'miyamoto-operator' : 'miyamoto';
    const program = name === 'miyamoto' ? 'mm.mjs' : 'mm-agent.mjs';
    const node = at(name, 'usr/libexec', libexec, 'node');
    const bytes = await readFile(node);
    assert.equal(bytes.readUInt16LE(18), AARCH64);
    const script = at(name, 'usr/libexec', libexec, program);
    const { stdout } = await run('qemu-aarch64', ['-L', LIBRARIES, node, script, '--version']);
    assert.equal(stdout, `${VERSION}\n`);

    const rpm = at('first', `${name}-${VERSION}-1.aarch64.rpm`);
    const format = '%{ARCH}\n[%{FILENAMES} %{FILEDIGESTS}\n]';
    const listed = await run('rpm', ['-qp', '--queryformat', format, rpm]);
    const [architecture, ...files] = listed.stdout.split('\n');
    assert.equal(architecture, 'aarch64');
    const digest = createHash('sha256').update(bytes).digest('hex');
    assert.ok(files.includes(`/usr/libexec/${libexec}/node ${digest}`), listed.stdout);
  });
}
