import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  acceptRequest,
  readAnswer,
  removeAnswer,
  removeRequest,
  withAnswer,
  writeRequest,
} from '../../../../agent/io/daemon/run-request.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

test('run request: it is read once, and each end of a cycle answers it', async (t) => {
  const root = await temporaryDirectory(t);
  const paths = { request: join(root, 'request'), answer: join(root, 'answer') };
  const id = writeRequest(paths, { trigger: 'poll', noop: false });
  const request = acceptRequest(paths);
  assert.deepEqual(request, { id, trigger: 'poll', noop: false });
  assert.equal(acceptRequest(paths), undefined, 'a second signal is a run of its own');

  await withAnswer(paths, request, async () => ({}));
  assert.equal(readAnswer(paths, id), undefined, 'the cycle goes on without the daemon');
  await withAnswer(paths, undefined, async () => ({ exitCode: 1 }));
  assert.equal(readAnswer(paths, id), undefined, 'a cycle of the schedule');
  await assert.rejects(withAnswer(paths, request, async () => Promise.reject(new Error('spawn'))));
  assert.equal(readAnswer(paths, id)?.exitCode, 1);
  await withAnswer(paths, request, async () => ({ exitCode: 12 }));
  assert.equal(readAnswer(paths, id)?.exitCode, 12);
  assert.equal(readAnswer(paths, 'another'), undefined);
  writeRequest(paths, { trigger: 'asked', noop: true });
  removeRequest(paths);
  removeAnswer(paths);
  assert.deepEqual(await names(root), []);
});

test('run request: one that is not understood changes nothing on the host', async (t) => {
  const root = await temporaryDirectory(t);
  const paths = { request: join(root, 'request'), answer: join(root, 'answer') };
  const accepted = (text: string) => {
    writeFileSync(paths.request, text);
    return acceptRequest(paths);
  };
  assert.deepEqual(accepted('{"id":"a"}'), { id: 'a', trigger: 'asked', noop: true });
  assert.deepEqual(accepted('{"id":"a","noop":0}')?.noop, true);
  for (const text of ['', '{', '[]', 'null', '{"noop":false}']) {
    assert.equal(accepted(text), undefined, text);
  }
});
