import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinLimit } from '../../../bucket/s3/time-limit.ts';

const LONG_MS = 600_000;
const wanted = 'cannot read s3://fleet/x';

test('time limit: a result within the limit is returned', async () => {
  const limit = { limitMs: LONG_MS, signal: undefined, wanted };
  assert.equal(await withinLimit(limit, async () => 1), 1);
});

test('time limit: work that ignores the signal is ended too', async () => {
  const limit = { limitMs: 1, signal: undefined, wanted };
  await assert.rejects(
    withinLimit(limit, () => new Promise(() => {})),
    { code: 'S3_UNREACHABLE' },
  );
});

test("time limit: the caller's own reason is thrown, not an S3 error", async () => {
  const stop = new AbortController();
  const reason = new Error('the agent stops');
  const running = withinLimit({ limitMs: LONG_MS, signal: stop.signal, wanted }, (signal) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(new Error('socket closed')));
    return promise;
  });
  stop.abort(reason);
  await assert.rejects(running, (error) => error === reason);
});

test('time limit: nothing starts for a caller that has already stopped', async () => {
  const reason = new Error('stopped before');
  const limit = { limitMs: LONG_MS, signal: AbortSignal.abort(reason), wanted };
  let begun = false;
  const running = withinLimit(limit, async () => {
    begun = true;
  });
  await assert.rejects(running, (error) => error === reason);
  assert.equal(begun, false);
});

test('time limit: an error from the work is passed on', async () => {
  const error = new Error('from S3');
  const running = withinLimit({ limitMs: LONG_MS, signal: undefined, wanted }, () =>
    Promise.reject(error),
  );
  await assert.rejects(running, (thrown) => thrown === error);
});
