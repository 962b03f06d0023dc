import assert from 'node:assert/strict';
import { appendFileSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { followOutput } from '../../../../../agent/io/puppet/output/follow-output.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';
import { waitUntil } from '../../../../support/wait-until.ts';

test('output: lines are passed on while they are written, the last ones at the end', async (t) => {
  const path = join(await temporaryDirectory(t), 'puppet.log');
  const lines: string[] = [];
  const output = followOutput(path, ({ text }) => lines.push(text));
  appendFileSync(path, 'Notice: one\nNotice: t');
  await waitUntil(() => lines.length > 0);
  assert.deepEqual(lines, ['Notice: one']);
  appendFileSync(path, 'wo\nNotice: three');
  output.close();
  assert.deepEqual(lines, ['Notice: one', 'Notice: two', 'Notice: three']);
});

test('output: an unreadable output does not end the agent, and the error is thrown at the end', async (t) => {
  const path = join(await temporaryDirectory(t), 'puppet.log');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const output = followOutput(path, () => assert.fail('there is no line'));
  closeSync(output.fd);
  t.mock.timers.tick(1000);
  assert.throws(() => output.close(), { code: 'EBADF' });
});
