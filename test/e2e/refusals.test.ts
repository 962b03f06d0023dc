import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentRole } from '../../trust/metadata/role-names.ts';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';
import { runningProcess } from '../support/running-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

test('refused: a run that hangs ends with its agent, and all of its processes with it', async (t) => {
  const lab = await agentLab(t);
  const pids = join(lab.root, 'pids');
  const puppet = await lab.fakePuppet(`sleep 600 & echo $! > ${pids}; echo $$ >> ${pids}; wait`);
  await lab.configure(`run: { puppet: ${puppet}, time_limit: 1m }\n`);
  lab.publish('1.0.0', MANIFEST);
  const running = lab.start(['--once']);
  const ended = lab.end(running);
  await waitUntil(async () => (await readFile(pids, 'utf8')).split('\n').length === 3);
  const processes = new Map<string, () => Promise<boolean>>();
  for (const pid of (await readFile(pids, 'utf8')).trim().split('\n')) {
    processes.set(pid, await runningProcess(Number(pid)));
  }
  running.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 1, stderr);
  for (const [pid, runs] of processes) assert.equal(await runs(), false, `${pid} runs on`);
  assert.equal(lab.status().run?.status, 'killed');
  await assert.rejects(stat(lab.paths.lock), 'the lock is gone');
});

test('refused: two agents at once; the second names the holder of the lock', async (t) => {
  const lab = await agentLab(t);
  const go = join(lab.root, 'go');
  const begun = join(lab.root, 'begun');
  const puppet = await lab.fakePuppet(`touch ${begun}; until [ -e ${go} ]; do sleep 0.05; done`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  const first = lab.start(['--once']);
  const ended = lab.end(first);
  await waitUntil(async () => (await stat(begun)).isFile());
  // A child of the daemon does not wait for the lock.
  const second = await lab.end(lab.start(['--once', '--trigger', 'poll']));
  assert.equal(second.code, 11);
  assert.match(second.stderr, new RegExp(`process ${first.pid}`));
  await writeFile(go, '');
  assert.equal((await ended).code, 0);
});

test('refused: a host without Puppet reports it in the status, and keeps the release until Puppet is there', async (t) => {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: ${lab.root}/nowhere/puppet }\n`);
  lab.publish('1.0.0', MANIFEST);
  const ended = await lab.once();
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /nowhere\/puppet/);
  const { run, release } = lab.status();
  assert.equal(run?.status, 'failed');
  assert.match(run.error ?? '', /nowhere\/puppet/);
  assert.equal(release?.version, '1.0.0');
});

test('refused: a typing mistake in the configuration names file, line and the nearest key', async (t) => {
  const lab = await agentLab(t);
  await lab.configure('enviroment: stable\n');
  const ended = await lab.once();
  assert.equal(ended.code, 20);
  assert.match(
    ended.stderr,
    /agent\.yaml:5: enviroment: unknown key; did you mean "environment"\?/,
  );
  assert.deepEqual(ended.requests, []);
});

test('refused: no trust root', async (t) => {
  const lab = await agentLab(t);
  await rm(lab.paths.trustRoot);
  const ended = await lab.once();
  assert.equal(ended.code, 20);
  assert.match(ended.stderr, /no trust root: wanted .*root\.json/);
});

test('refused: disabled with a reason, and enabled again', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  assert.equal((await lab.run(['disable', 'database migration', '--until', '2h'])).code, 0);
  const ended = await lab.once();
  assert.equal(ended.code, 10);
  assert.equal(lab.status().disabled?.reason, 'database migration');
  assert.deepEqual(await readdir(lab.paths.releases).catch(() => []), []);
  assert.match((await lab.run(['status'])).stdout, /disabled +database migration until/);
  assert.equal((await lab.run(['enable'])).code, 0);
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().disabled, null);
});

test('I9 stopped by the publisher, also when the bucket then has no release, or is unreachable', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  assert.equal((await lab.once()).code, 0);
  lab.publish('1.0.0', MANIFEST, { custom: { stop: true, reason: 'it deletes data' } });
  assert.equal((await lab.once()).code, 10);
  assert.match(lab.status().run?.reason ?? '', /it deletes data/);
  // As a thief of the online key does with the empty first file of another environment.
  lab.simulator.role('stable').targets = {};
  lab.simulator.commit([environmentRole('stable')]);
  lab.sync();
  assert.equal((await lab.once()).code, 10);
  await lab.server.close();
  assert.equal((await lab.once()).code, 10);
  assert.equal((await readFile(join(lab.root, 'ran'), 'utf8')).trim(), 'ran', 'once only');
});

test('refused: a status that may not be written never fails the run, and is sent later', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  lab.server.faults.add({ match: { method: 'PUT' }, kind: 'status', status: 503 });
  assert.equal((await lab.once()).code, 0);
  assert.throws(() => lab.status());
  assert.equal((await lab.localStatus()).offline.runs, 1);
  lab.server.faults.clear();
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().offline.runs, 2);
  assert.equal((await lab.localStatus()).offline.runs, 0);
});
