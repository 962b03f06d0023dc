import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { PublishAnswer } from '../../../../operator/answers.ts';
import { builtProgram } from '../../../support/built-program.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const MB = 1_000_000;
/** Bytes that do not compress: the tarball is as large as the file. */
const FILE_BYTES = 120 * MB;
/** On Linux, maxRSS is never less than what the process of this test had when it started mm. */
const REPORT_MEMORY = `
  const { readFileSync, writeSync } = require('node:fs');
  const peak = () =>
    process.platform === 'linux'
      ? /^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]
      : String(process.resourceUsage().maxRSS);
  process.on('exit', () => writeSync(3, peak()));
`;

test('publish: a file of 120 MB takes less memory than twice its size', async (t) => {
  const lab = await initialized(t);
  const bytes = Buffer.alloc(FILE_BYTES);
  randomFillSync(bytes);
  await lab.git('config', 'core.compression', '0'); // git would try for seconds
  await lab.write('modules/big/manifests/init.pp', 'class big { }\n');
  await lab.write('modules/big/files/big.bin', '');
  await writeFile(join(lab.repository, 'modules/big/files/big.bin'), bytes);
  await lab.commit('README', '');
  const reporter = join(lab.directory, 'report-memory.cjs');
  await writeFile(reporter, REPORT_MEMORY);
  const [node = '', ...program] = await builtProgram('mm');
  const args = [...program, 'publish', 'stable', '--no-validate', '--json'];
  const child = spawn(node, ['--require', reporter, ...args], {
    cwd: lab.repository,
    env: { ...process.env, HOME: join(lab.directory, 'home') },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const outputs = [child.stdout, child.stderr, child.stdio[3] as NodeJS.ReadableStream];
  const [[code], stdout = '', stderr, kilobytes] = await Promise.all([
    once(child, 'close'),
    ...outputs.map((stream) => text(stream!)),
  ] as const);
  assert.equal(code, 0, stderr);
  const { release, objects } = PublishAnswer.parse(JSON.parse(stdout));
  assert.ok(release.length > FILE_BYTES);
  assert.equal(lab.server.get(BUCKET, objects[0] ?? '')?.length, release.length);
  const peak = Number(kilobytes) * 1024;
  assert.ok(peak > 0 && peak < 2 * FILE_BYTES, `${peak / MB} MB`);
});
