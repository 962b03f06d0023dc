import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HostState } from '../../agent/core/state.ts';
import { agentLab } from '../support/agent-lab.ts';

const manifest = (version: string) => ({ 'manifests/site.pp': `# ${version}\n` });

test('retry: each try is in the status, is made by a poll, counts over restarts, and runs what is newest', async (t) => {
  const lab = await agentLab(t);
  const broken = join(lab.root, 'broken');
  const puppet = await lab.fakePuppet(`[ -e ${broken} ] && exit 1`);
  await lab.configure(`run: { puppet: ${puppet}, retry: { after: 10m, times: 2 } }\n`);
  lab.publish('1.0.0', manifest('1.0.0'));
  await writeFile(broken, '');
  const poll = async () => {
    await lab.once('--trigger', 'poll');
    const { run, retry } = lab.status();
    return { run: run?.status, reason: run?.reason ?? '', try: retry?.try, at: retry?.at };
  };
  /** As if the time of the next try had come. */
  const wait = async () => {
    const state = JSON.parse(await readFile(lab.paths.stateFile, 'utf8')) as HostState;
    const retry = { ...state.retry, at: new Date(Date.now() - 1000).toISOString() };
    await writeFile(lab.paths.stateFile, JSON.stringify({ ...state, retry }));
  };

  const before = Date.now();
  const first = await poll();
  assert.deepEqual([first.run, first.try], ['not-compiled', 1]);
  const pauseMs = Date.parse(first.at ?? '') - before;
  assert.ok(pauseMs >= 600_000 && pauseMs < 660_000, `${pauseMs}`);
  const shown = await lab.run(['status']);
  assert.match(shown.stdout, /^retry +try 1 of 2, next at \d{4}-/m);
  assert.deepEqual(await poll(), first, 'not before its time');

  await wait();
  const second = await poll();
  assert.deepEqual([second.run, second.try], ['not-compiled', 2]);
  assert.match(second.reason, /try 1 of 2/);
  await wait();
  const last = await poll();
  assert.deepEqual([last.run, last.at], ['not-compiled', null]);
  assert.match((await lab.run(['status'])).stdout, /^retry +try 2 of 2 has failed/m);
  assert.deepEqual(await poll(), last, 'only the schedule runs it now');

  lab.publish('1.1.0', manifest('1.1.0'));
  assert.equal((await poll()).try, 1, 'another release has tries of its own');
  await wait();
  lab.publish('1.2.0', manifest('1.2.0'));
  await rm(broken);
  const good = await poll();
  assert.deepEqual([good.run, good.try], ['unchanged', undefined]);
  assert.equal(lab.status().release?.version, '1.2.0');
});
