import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { writePackage } from '../../packaging/contents/plan.ts';
import { currentRelease } from '../../packaging/contents/release.ts';
import { AGENT } from '../../packaging/macos/agent.ts';
import { checkSignature } from '../../packaging/macos/code-signature.ts';
import { planPkg } from '../../packaging/macos/pkg.ts';
import { MAC_ARCHITECTURES, signedRuntime } from '../../packaging/macos/runtime.ts';

/** The packages for Macs with the real Node. No Mac is here: it is read, not started. */

const run = promisify(execFile);

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-pkg-test-'));
  await build({ programs: PROGRAMS, outputDirectory: join(directory, 'dist') });
});
after(() => rm(directory, { recursive: true }));

for (const architecture of MAC_ARCHITECTURES) {
  test(`pkg: for ${architecture}, Node is in the package as its project signed it`, async () => {
    const [runtime, release] = [await signedRuntime(architecture), await currentRelease()];
    const parts = { bundleDirectory: join(directory, 'dist'), architecture, runtime, release };
    const { path } = await writePackage(await planPkg(AGENT, parts), directory);
    const root = join(directory, architecture);
    await mkdir(root);
    await run('7z', ['x', `-o${root}`, path]);
    const archive = join(root, 'payload.cpio');
    const payload = createReadStream(join(root, 'agent.pkg/Payload'));
    await pipeline(payload, createGunzip(), createWriteStream(archive));
    const node = `./${AGENT.folder}/node`;
    await run('cpio', ['-id', '--quiet', '--file', archive, node], { cwd: root });
    const program = await readFile(join(root, node));
    const signed = checkSignature(program);
    // Node.js Foundation; as in packaging/macos/examples/full-disk-access.mobileconfig.
    assert.deepEqual(signed, { identifier: 'node', team: 'HX7739G8FX', minimumSystem: '13.5' });
    const middle = program.length >> 1;
    program[middle] = (program[middle] ?? 0) ^ 1;
    assert.throws(() => checkSignature(program), /page/);
  });
}
