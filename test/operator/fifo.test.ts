import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../operator/answers.ts';
import { codeOf, keysOf } from './key-commands.ts';
import { initialized } from './operator-lab.ts';

/** A FIFO makes who opens it wait for a writer, and a device has no end. */
const ODD: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', ['-m', '600', path]),
  'a link to /dev/zero': (path) => symlink('/dev/zero', path),
};

for (const [what, make] of Object.entries(ODD)) {
  test(`row 19: mm does not wait for ${what} that a command line or miyamoto.yaml names`, async (t) => {
    const lab = await initialized(t);
    const odd = join(lab.repository, 'odd.json');
    await make(odd);
    for (const command of ['sign', 'commit']) {
      assert.equal(await codeOf(lab, ['root', command, 'odd.json']), 'PROPOSAL_INVALID');
    }
    const add = ['key', 'rotate', '--role', 'stable', '--add', 'odd.json'];
    assert.equal(await codeOf(lab, add), 'KEY_MISSING');
    const { json } = await lab.mm(['status', '--config', odd, '--json']);
    // /dev/zero can be written by everybody, which is refused before it is opened.
    assert.match(String(ErrorAnswer.parse(json).error.code), /^(CONFIG_INVALID|FILE_UNSAFE)$/);
    await make(join(keysOf(lab), 'odd.json'));
    assert.match(String(await codeOf(lab, ['publish', 'stable', '--no-validate'])), /^KEY_/);
    await rm(join(keysOf(lab), 'odd.json'));
    assert.equal(await codeOf(lab, ['status', '--instances', 'odd.json']), 'USAGE');
    const source = ['publish', 'stable', '--no-validate', '--directory'];
    await mkdir(join(lab.directory, 'r10k/modules/a/.git'), { recursive: true });
    await writeFile(join(lab.directory, 'r10k/nodeless_site.pp'), '');
    await make(join(lab.directory, 'r10k/modules/a/.git/HEAD'));
    const { exitCode, stderr } = await lab.mm([...source, '../r10k', '--noop']);
    assert.equal(exitCode, 0, stderr);
    await make(join(lab.directory, 'r10k/.mmignore'));
    assert.equal(await codeOf(lab, [...source, '../r10k']), 'ARCHIVE_UNSAFE');
    const root = join(lab.repository, 'ubuntu.root.json');
    await rm(root);
    await make(root);
    assert.match(String(await codeOf(lab, ['releases'])), /^(ROOT_MISSING|FILE_UNSAFE)$/);
  });
}
