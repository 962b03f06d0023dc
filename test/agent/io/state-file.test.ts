import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseExactJson } from '../../../agent/core/facts/exact-json.ts';
import { NO_STATE } from '../../../agent/core/state.ts';
import { needsCycle } from '../../../agent/core/status/needs-cycle.ts';
import { meaningfulDigest } from '../../../agent/core/status/status.ts';
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

test('state: one of an older version keeps what it has, and the rest is empty', async (t) => {
  const newer = ['retry', 'held', 'changes', 'bad', 'good', 'deferred', 'decision'];
  const { path, state } = await stateIn(await temporaryDirectory(t), (text) => {
    const entries = Object.entries(JSON.parse(text)).filter(([key]) => !newer.includes(key));
    return JSON.stringify(Object.fromEntries(entries));
  });
  const log = fakeLog();
  assert.deepEqual(await stateFile(path, log).load(), state);
  assert.deepEqual(log.lines, []);
});

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
    assert.equal(
      typeof needsCycle(lastState(path), { now: Date.now(), isWindowOpen: true }, 3600),
      'string',
    );
  });
}

test('last state: the daemon sees what the cycle saved', async (t) => {
  const { path, state } = await stateIn(await temporaryDirectory(t));
  const moment = { now: Date.parse(sampleStatus.writtenAt), isWindowOpen: true };
  const seen = needsCycle(lastState(path), moment, 3600);
  assert.equal(seen, needsCycle(state, moment, 3600));
});

test('state: an integer beyond 2^53 keeps its digits, and the daemon computes the same digest', async (t) => {
  const path = join(await temporaryDirectory(t), 'state.json');
  const facts = { efs: parseExactJson('9223372036853727233') };
  const status = { ...sampleStatus, facts };
  await stateFile(path, fakeLog()).save({ ...NO_STATE, status });
  const loaded = await stateFile(path, fakeLog()).load();
  assert.match(JSON.stringify(loaded), /"efs":9223372036853727233\b/);
  const read = lastState(path)?.status ?? assert.fail('no status');
  assert.equal(meaningfulDigest(read), meaningfulDigest(status));
});
