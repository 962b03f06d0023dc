import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { firstSeen } from '../../operator/commands/clean/first-seen.ts';
import { HostIds } from '../../operator/commands/status/host-ids.ts';
import { Verdicts } from '../../operator/release/gates/verdicts.ts';
import { UploadRecords } from '../../operator/repository/upload/upload-records.ts';
import { ODD_FILES } from '../support/odd-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BUCKET = { name: 'fleet' } as never;

/** Readers of files below the state directory. Each does without a file that it cannot read. */
const READERS: Readonly<Record<string, (state: string) => unknown>> = {
  'verdicts.txt': (state) => new Verdicts(join(state, 'verdicts.txt'), 'puppet 8').get('a'),
  'uploads/ab': (state) => new UploadRecords(join(state, 'uploads')).find(BUCKET, 'key', 'ab'),
  'host-ids.json': (state) => new HostIds(state, 0).isChangingBack('web1', 'a') || undefined,
};

test('odd state: mm neither waits for what is in the place of a kept file nor reads it whole', async (t) => {
  const state = await temporaryDirectory(t);
  for (const [file, read] of Object.entries(READERS)) {
    const path = join(state, file);
    await mkdir(dirname(path), { recursive: true });
    for (const [what, make] of Object.entries(ODD_FILES)) {
      await make(path);
      assert.equal(read(state), undefined, `${file} is ${what}`);
      await rm(path, { recursive: true });
    }
  }
  execFileSync('mkfifo', [join(state, 'unnamed.json')]);
  assert.equal(firstSeen({ stateDirectory: state }, [], 0).size, 0);
});
