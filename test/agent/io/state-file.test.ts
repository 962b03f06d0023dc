import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsCycle } from '../../../agent/core/needs-cycle.ts';
import { NO_STATE } from '../../../agent/core/state.ts';
import { lastState } from '../../../agent/io/daemon/last-state.ts';
import { stateFile } from '../../../agent/io/state-file.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { sampleStatus } from '../../support/status-sample.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('state: is loaded as it was saved, and readable for its owner only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mm-state-'));
  try {
    const path = join(directory, 'state.json');
    const state = { ...NO_STATE, stopped: true, status: sampleStatus };
    await stateFile(path, fakeLog()).save(state);
    assert.deepEqual(await stateFile(path, fakeLog()).load(), state);
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
  test(`state: one that is ${name} is logged and counts as empty`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mm-state-'));
    try {
      const path = join(directory, 'state.json');
      await writeFile(path, content);
      const log = fakeLog();
      assert.deepEqual(await stateFile(path, log).load(), NO_STATE);
      assert.equal(log.lines[0]?.event, 'state.unreadable');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

async function stateIn(directory: string, change: (text: string) => string = (text) => text) {
  const path = join(directory, 'state.json');
  const state = { ...NO_STATE, stopped: true, status: sampleStatus };
  await stateFile(path, fakeLog()).save(state);
  await writeFile(path, change(await readFile(path, 'utf8')));
  return { path, state };
}

test('state: an edited file is checked, and counts as empty when it is invalid', async (t) => {
  const wrong = await stateIn(await temporaryDirectory(t), (text) =>
    text.replace('"stopped":true', '"stopped":"yes"'),
  );
  const log = fakeLog();
  assert.deepEqual(await stateFile(wrong.path, log).load(), NO_STATE);
  assert.equal(log.lines[0]?.event, 'state.unreadable');
  const right = await stateIn(await temporaryDirectory(t), (text) =>
    text.replace('"stopped":true', '"stopped":false'),
  );
  const loaded = await stateFile(right.path, fakeLog()).load();
  assert.deepEqual(loaded, { ...right.state, stopped: false });
});

for (const [name, content] of Object.entries({
  truncated: '{"schemaVersion":1,"etag"',
  'a list': '[]',
  'a number': '7',
  'of another shape': '{"schemaVersion":1,"status":{"trust":7},"uploaded":3}',
  'without what a poll looks at': '{"schemaVersion":1,"status":{"trust":{"error":null}}}',
})) {
  test(`last state: one that is ${name} never fails a poll, and causes a cycle`, async (t) => {
    const path = join(await temporaryDirectory(t), 'state.json');
    await writeFile(path, content);
    assert.equal(typeof needsCycle(lastState(path), Date.now(), 3600), 'string');
  });
}

test('last state: the daemon sees what the cycle saved', async (t) => {
  const { path, state } = await stateIn(await temporaryDirectory(t));
  const now = Date.parse(sampleStatus.writtenAt);
  const seen = needsCycle(lastState(path), now, 3600);
  assert.equal(seen, needsCycle(state, now, 3600));
});
