import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { waitUntil } from '../support/wait-until.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

async function runs(lab: AgentLab): Promise<number> {
  const text = await readFile(join(lab.root, 'ran'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

async function daemonLab(t: import('node:test').TestContext, script = '') {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran\n${script}`);
  // Once a year: only what a test asks for happens.
  const schedule = `schedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`;
  const settings = `run: { puppet: ${puppet} }\n${schedule}`;
  await lab.configure(settings);
  lab.publish('1.0.0', MANIFEST);
  return { lab, settings };
}

test('daemon: runs at start, again at SIGUSR1, with a new configuration at SIGHUP, ends at SIGTERM', async (t) => {
  const { lab, settings } = await daemonLab(t);
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  assert.equal(await runs(lab), 1);

  daemon.kill('SIGUSR1');
  await waitUntil(async () => (await runs(lab)) === 2);

  await lab.configure(`${settings}groups: [canary]\n`);
  daemon.kill('SIGHUP');
  await waitUntil(() => lab.status().groups.includes('canary'));

  await writeFile(lab.paths.configFile, 'bukcet: x\n');
  daemon.kill('SIGHUP');
  await waitUntil(async () => (await runs(lab)) >= 3);
  daemon.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
});

test('daemon: SIGTERM in the middle of a run ends the run and reports it', async (t) => {
  const { lab } = await daemonLab(t, 'sleep 600');
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(async () => (await runs(lab)) === 1);
  daemon.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.equal(lab.status().run?.status, 'killed');
  assert.equal((await lab.run(['status'])).code, 1);
});

test('daemon: an agent killed under a run; the next one sees the run to its end and reports it', async (t) => {
  const { lab } = await daemonLab(t, `until [ -e ${'$(dirname "$0")'}/go ]; do sleep 0.05; done`);
  const agent = lab.start(['--once']);
  const ended = lab.end(agent);
  await waitUntil(async () => (await runs(lab)) === 1);
  agent.kill('SIGKILL');
  await ended;
  await lab.letLockGoStale();
  const next = lab.start(['--once', '--trigger', 'poll']);
  const nextEnded = lab.end(next);
  await writeFile(join(lab.root, 'go'), '');
  const { code, stderr } = await nextEnded;
  assert.equal(code, 0, stderr);
  assert.match(lab.status().run?.reason ?? '', /its agent was ended/);
  assert.equal(lab.status().run?.status, 'unchanged');
  assert.equal(await runs(lab), 1, 'and does not run again');
});
