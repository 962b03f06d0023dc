import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHolder } from '../../shared/lock/holder.ts';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { steppedSleep } from '../support/stepped-sleep.ts';
import { names } from '../support/temporary-directory.ts';
import { waitUntil } from '../support/wait-until.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

async function runs(lab: AgentLab): Promise<number> {
  const text = await readFile(join(lab.root, 'ran'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

async function daemonLab(t: import('node:test').TestContext, script = '') {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran\n${script}`);
  // Due once a year: only the requests of the test happen.
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
  assert.equal(lab.status().run?.reason, 'new release 1.0.0');

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

test('daemon: an agent is killed during a run; the next one waits for the run and reports it', async (t) => {
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

test('daemon: its first run says so, a mistake in agent.yaml is reported at SIGHUP, and the old configuration stays in use', async (t) => {
  const { lab } = await daemonLab(t);
  assert.equal((await lab.once()).code, 0);
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(async () => (await lab.localStatus()).run?.reason === 'the agent started');
  await writeFile(lab.paths.configFile, 'bukcet: x\n');
  daemon.kill('SIGHUP');
  await waitUntil(async () => (await runs(lab)) === 3);
  lab.publish('2.0.0', MANIFEST);
  daemon.kill('SIGUSR1');
  await waitUntil(() => lab.status().release?.version === '2.0.0');
  daemon.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /config\.refused/);
  assert.doesNotMatch(stderr, /cycle\.failed/);
});

test('daemon: a cycle that fails is reported with its exit code, and the daemon continues', async (t) => {
  const { lab } = await daemonLab(t);
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  const root = await readFile(lab.paths.trustRoot);
  await rm(lab.paths.trustRoot);
  let stderr = '';
  daemon.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  daemon.kill('SIGUSR1');
  await waitUntil(() => /cycle\.failed {2}exitCode=20/.test(stderr));
  await writeFile(lab.paths.trustRoot, root);
  daemon.kill('SIGUSR1');
  await waitUntil(async () => (await runs(lab)) === 2);
  daemon.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('daemon: a service that is stopped in a cycle says that the cycle goes on', async (t) => {
  const { lab } = await daemonLab(t);
  lab.server.faults.add({ match: { method: 'GET', key: /timestamp/ }, kind: 'hang' });
  const daemon = lab.start([], { XPC_SERVICE_NAME: 'com.github.miyamoto.agent' });
  let stderr = '';
  daemon.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await waitUntil(() => lab.server.requests.some(({ key }) => key.includes('timestamp')));
  daemon.kill('SIGTERM');
  await waitUntil(() => /cycle\.continues .*Puppet goes on.*agent\.stopping/s.test(stderr));
  const cycle = readHolder(lab.paths.lock);
  assert.ok(cycle !== undefined, 'the cycle still holds its lock');
  process.kill(cycle.pid);
});

test('daemon: under launchd one that is stuck is ended', async (t) => {
  const { lab } = await daemonLab(t);
  const { path, tick } = await steppedSleep(t);
  const label = { XPC_SERVICE_NAME: 'com.github.miyamoto.agent', PATH: path };
  const daemon = lab.start([], label);
  const ended = once(daemon, 'exit');
  // With the label of launchd, the run may fail where systemd is; here it only shows that it ended.
  await waitUntil(() => lab.status().run !== null);
  daemon.kill('SIGSTOP');
  for (let pause = 0; pause < 5; pause++) await Promise.race([tick(), ended]);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('daemon: under launchd the pid file is removed at the end', async (t) => {
  const { lab } = await daemonLab(t);
  const pidFile = join(lab.paths.runtime, 'mm-agent.pid');
  await mkdir(lab.paths.runtime, { recursive: true });
  await writeFile(pidFile, '1');
  await writeFile(lab.paths.configFile, 'bukcet: x\n');
  const { code } = await lab.run([], { XPC_SERVICE_NAME: 'com.github.miyamoto.agent' });
  assert.equal(code, 20);
  assert.deepEqual(await names(lab.paths.runtime), []);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`once: ${signal} before Puppet has started ends it without a stack, with a report`, async (t) => {
    const { lab } = await daemonLab(t);
    // There is no answer: the signal arrives while the agent waits.
    lab.server.faults.add({ match: { method: 'GET', key: /timestamp/ }, kind: 'hang' });
    const agent = lab.start(['--once']);
    const ended = lab.end(agent);
    await waitUntil(() => lab.server.requests.some(({ key }) => key.includes('timestamp')));
    agent.kill(signal);
    const { code, stderr } = await ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, new RegExp(`cycle\\.stopped  why=stopped by ${signal}`));
    assert.doesNotMatch(stderr, /^ +at /m);
    assert.equal(lab.status().run, null);
    assert.equal(await runs(lab), 0);
  });
}
