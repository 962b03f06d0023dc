import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';

const DAY_MS = 86_400_000;
const date = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

test('apply_window: closed, a release is run once as noop, reported as pending, and applied when the window opens', async (t) => {
  const lab = await agentLab(t);
  const motd = join(lab.root, 'motd');
  const close = async () =>
    await lab.configure(`apply_window: { zone: UTC, freeze: [${date(-1)}/${date(1)}] }\n`);
  await close();
  lab.publish('1.0.0', manifestWriting(motd, 'one'));
  const part = await lab.once('--tags', 'nothing');
  assert.equal(part.code, 0, part.stderr);

  const first = await lab.once('--trigger', 'poll');
  assert.equal(first.code, 12, first.stderr);
  const { run, release, window } = lab.status();
  assert.deepEqual([run?.status, run?.noop, run?.changedResourcesTotal], ['pending', true, 1]);
  assert.deepEqual([release?.version, existsSync(motd)], ['1.0.0', false]);
  assert.match(run?.reason ?? '', /freeze date/);
  assert.equal(window?.opensAt, `${date(2)}T00:00:00.000Z`);
  assert.match((await lab.run(['status'])).stdout, /^window +\d{4}-.* is a freeze date/m);

  await lab.once('--trigger', 'poll');
  assert.equal(lab.status().run?.id, run?.id, 'once');

  const asked = await lab.once();
  assert.equal(asked.code, 12);
  assert.match(asked.stderr, /mm-agent --once --ignore-window/);
  assert.ok(!existsSync(motd));
  const ignored = await lab.once('--ignore-window', '--detailed-exitcodes');
  assert.equal(ignored.code, 2, ignored.stderr);
  assert.equal(await readFile(motd, 'utf8'), 'one');

  lab.publish('1.1.0', manifestWriting(motd, 'two'));
  await lab.once('--trigger', 'poll');
  assert.equal(await readFile(motd, 'utf8'), 'one');
  await lab.configure('apply_window: { zone: UTC }\n');
  const opened = await lab.once('--trigger', 'poll');
  assert.equal(opened.code, 0, opened.stderr);
  assert.equal(await readFile(motd, 'utf8'), 'two');
  assert.equal(lab.status().window, undefined);
});
