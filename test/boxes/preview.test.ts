import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DiffAnswer } from '../../operator/diff-answer.ts';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { changesIn, edit, previewLab } from '../operator/commands/diff/preview-lab.ts';
import { bootBox } from './box.ts';
import { suites } from './suites.ts';

/** The preview with the Puppet of each suite in MM_TEST_SUITES. */

const SUITES = suites('trixie');
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  forky: ['openvox-agent', 'openfact', 'git'],
};
const PUPPET: Readonly<Record<string, RegExp>> = {
  bookworm: /^7\./,
  trixie: /^8\./,
  forky: /^[89]\./,
};

for (const suite of SUITES) {
  test(`preview: ${suite}: three hosts with different facts, on the 100-resource repository`, async (t) => {
    const lab = await previewLab(t);
    await edit(lab, 'data/common.yaml', ['Managed by Puppet.', 'Managed by Miyamoto.']);
    await edit(lab, 'data/os/Debian.yaml', ['  - tar\n', '  - gawk\n']);
    await lab.mm(['publish', 'stable', '--no-validate']);

    const packages = PACKAGES[suite] ?? ['puppet-agent', 'git'];
    await using box = await bootBox(`preview-${suite}-${process.pid}`, { suite, packages });
    const directory = await mkdtemp(join(tmpdir(), 'miyamoto-preview-box-'));
    t.after(() => rm(directory, { recursive: true }));
    await build({ programs: { mm: PROGRAMS.mm }, outputDirectory: join(directory, 'mm') });
    const names = ['miyamoto.yaml', 'ubuntu.root.json', '.miyamoto'];
    const tar = ['-cf', join(directory, 'tree.tar'), '-C', lab.repository, ...names];
    await promisify(execFile)('tar', [...tar, '-C', directory, 'mm']);
    await box.push(process.execPath, '/root/node');
    await box.push(join(directory, 'tree.tar'), '/root/tree.tar');
    await box.sh('mkdir -m 700 /root/desk; tar -C /root/desk --no-same-owner -xf /root/tree.tar');
    // The box shares the network of this machine, and so its S3 server.
    const user = 'AWS_ACCESS_KEY_ID=OPERATOR AWS_SECRET_ACCESS_KEY=operator-secret';
    const hosts = 'web1.example.com plain.example.com red.example.com';
    const command = `mm diff stable=0.1.0 stable --json --catalog ${hosts}`;
    const printed = await box.sh(
      `cd /root/desk; AWS_REGION=us-east-1 ${user} /root/node mm/mm.mjs ${command.slice(3)}`,
    );
    const { catalogs } = DiffAnswer.parse(JSON.parse(printed));
    assert.ok(catalogs !== null);
    assert.match(String(catalogs.puppet), PUPPET[suite] ?? /^\d/);
    assert.deepEqual(catalogs.failures, []);
    assert.deepEqual(changesIn(catalogs), [
      '3 ~ Class[Baseline::Motd] notice',
      '3 ~ File[/tmp/managed/etc/motd] content',
      '2 ~ Class[Baseline] packages',
      '2 - Package[tar]',
      '2 + Package[gawk]',
    ]);
  });
}
