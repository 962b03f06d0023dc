import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { notingLastCheck } from '../../../../agent/io/daemon/last-check.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const clock = { now: () => Date.UTC(2026, 10, 1) };
const answering = { get: async () => ({ kind: 'not-modified', serverDate: undefined }) as const };
const failing = { get: async () => Promise.reject(new Error('no route')) };
const options = { maxBytes: 1 };

test('last check: recorded when the bucket answers, and only then', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'last-check');
  await assert.rejects(notingLastCheck(failing, path, clock).get('key', options), /no route/);
  assert.deepEqual(await names(directory), []);
  await notingLastCheck(answering, path, clock).get('key', options);
  assert.equal(await readFile(path, 'utf8'), '2026-11-01T00:00:00.000Z');
});

test('last check: when it cannot be written, the answer still counts', async (t) => {
  const path = join(await temporaryDirectory(t), 'last-check');
  await mkdir(path);
  const answer = await notingLastCheck(answering, path, clock).get('key', options);
  assert.equal(answer.kind, 'not-modified');
});
