import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { planDeb } from '../../packaging/deb/deb.ts';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { Parts } from '../../packaging/linux/contents.ts';
import { OPERATOR } from '../../packaging/linux/operator.ts';
import { writePackage } from '../../packaging/linux/plan.ts';
import { currentRelease } from '../../packaging/linux/release.ts';
import { planRpm } from '../../packaging/rpm/rpm.ts';
import { strippedRuntime } from '../../packaging/runtime.ts';

/** The packages for arm64, whose programs an emulated processor starts. */

const run = promisify(execFile);
/** Debian's libraries of arm64 for cross compilers. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const AARCH64 = 183;

let directory: string;
let parts: Parts;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-arm64-test-'));
  const bundleDirectory = join(directory, 'dist');
  await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
  const [runtime, release] = [await strippedRuntime('arm64'), await currentRelease()];
  parts = { bundleDirectory, architecture: 'arm64', runtime, release };
});
after(() => rm(directory, { recursive: true }));

for (const linuxPackage of [AGENT, OPERATOR]) {
  const { name, libexec, program } = linuxPackage;

  test(`arm64: the program of the deb of ${name} starts`, async () => {
    const { path } = await writePackage(await planDeb(linuxPackage, parts, 'zstd'), directory);
    const { version } = parts.release;
    assert.equal(basename(path), `${name}_${version}_arm64.deb`);
    const architecture = await run('dpkg-deb', ['--field', path, 'Architecture']);
    assert.equal(architecture.stdout, 'arm64\n');
    const root = join(directory, name);
    await run('dpkg-deb', ['--extract', path, root]);
    const node = join(root, libexec, 'node');
    assert.equal((await readFile(node)).readUInt16LE(18), AARCH64);
    const words = ['-L', LIBRARIES, node, join(root, libexec, `${program}.mjs`), '--version'];
    const { stdout } = await run('qemu-aarch64', words);
    assert.equal(stdout, `${version}\n`);
  });

  test(`arm64: the rpm of ${name} has the same program`, async () => {
    const { path } = await writePackage(await planRpm(linuxPackage, parts, 'zstd'), directory);
    assert.equal(basename(path), `${name}-${parts.release.version}-1.aarch64.rpm`);
    const format = '%{ARCH}\n[%{FILENAMES} %{FILEDIGESTS}\n]';
    const { stdout } = await run('rpm', ['-qp', '--queryformat', format, path]);
    const [architecture, ...files] = stdout.split('\n');
    assert.equal(architecture, 'aarch64');
    const digest = createHash('sha256').update(parts.runtime.program).digest('hex');
    assert.ok(files.includes(`/${libexec}/node ${digest}`), stdout);
  });
}
