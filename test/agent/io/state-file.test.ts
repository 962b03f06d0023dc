import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NO_STATE } from '../../../agent/core/state.ts';
import { stateFile } from '../../../agent/io/state-file.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { sampleStatus } from '../../support/status-sample.ts';

test('state: comes back as it was saved, for its owner only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mm-state-'));
  try {
    const path = join(directory, 'state.json');
    const state = { ...NO_STATE, stopped: true, status: sampleStatus };
    await stateFile(path, fakeLog(), undefined).save(state);
    assert.deepEqual(await stateFile(path, fakeLog(), undefined).load(), state);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  } finally {
    await rm(directory, { recursive: true });
  }
});

for (const [name, content] of Object.entries({
  truncated: '{"schemaVersion":1,"etag"',
  'of another shape': '{"schemaVersion":2}',
  empty: '',
})) {
  test(`state: one that is ${name} counts as none and is said`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mm-state-'));
    try {
      const path = join(directory, 'state.json');
      await writeFile(path, content);
      const log = fakeLog();
      assert.deepEqual(await stateFile(path, log, undefined).load(), NO_STATE);
      assert.equal(log.lines[0]?.event, 'state.unreadable');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}
