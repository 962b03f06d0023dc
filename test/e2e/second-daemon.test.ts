import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AgentLab, agentLab } from '../support/agent-lab.ts';
import { isRoot, ordinaryUsersAgent } from '../support/ordinary-user.ts';
import { names } from '../support/temporary-directory.ts';
import { waitUntil } from '../support/wait-until.ts';

const asOrdinaryUser = ordinaryUsersAgent();

/** A host whose schedule is never due: only the first cycle of a daemon asks the bucket. */
async function host(t: TestContext): Promise<AgentLab> {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(
    `run: { puppet: ${puppet} }\nschedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`,
  );
  return lab;
}

const file = ({ paths }: AgentLab) => `${paths.daemon}.json`;

/** Starts a daemon and waits until it has claimed the host. */
async function start(
  t: TestContext,
  lab: AgentLab,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const daemon = lab.start([], env);
  t.after(() => daemon.kill('SIGKILL'));
  daemon.stdout?.resume();
  daemon.stderr?.resume();
  await waitUntil(async () => {
    const written = await readFile(file(lab), 'utf8').catch(() => '{}');
    return (JSON.parse(written) as { pid?: number }).pid === daemon.pid;
  });
  return daemon;
}

async function daemonFiles({ paths }: AgentLab): Promise<string[]> {
  return (await names(paths.runtime)).filter((name) => name.startsWith('daemon'));
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(daemon, 'exit');
  daemon.kill(signal);
  await ended;
}

/** The manager of the first daemon, and its name in the refusal. */
const FIRST: Record<string, { env: Record<string, string>; named: RegExp }> = {
  'by hand': { env: {}, named: /daemon: process \d+, since/ },
  'under systemd': { env: { NOTIFY_SOCKET: '/nowhere' }, named: /: \S+\.service, process \d+/ },
  'under launchd': {
    env: { XPC_SERVICE_NAME: 'com.github.miyamoto.agent' },
    named: /: com\.github\.miyamoto\.agent, process \d+/,
  },
};
for (const [name, { env, named }] of Object.entries(FIRST)) {
  test(`second daemon: refused while another runs ${name}, which continues`, async (t) => {
    const lab = await host(t);
    const first = await start(t, lab, env);
    const { code, stdout, stderr } = await lab.run([]);
    assert.deepEqual([code, stdout], [11, ''], stderr);
    assert.match(stderr, named);
    assert.ok(stderr.includes(String(first.pid)), stderr);
    assert.ok(stderr.endsWith(`\nnext: mm-agent --once --root ${lab.root}\n`), stderr);
    assert.equal(first.exitCode, null);
    assert.equal(JSON.parse(await readFile(file(lab), 'utf8')).pid, first.pid);
    // The watchdog under launchd ends at once with a daemon that stops, else after five minutes.
    await end(first, 'SIGTERM');
  });
}

test('second daemon: a service says how to end a daemon that was started by hand', async (t) => {
  const lab = await host(t);
  const first = await start(t, lab);
  const { code, stderr } = await lab.run([], { XPC_SERVICE_NAME: 'com.github.miyamoto.agent' });
  assert.equal(code, 11);
  assert.ok(stderr.endsWith(`\nnext: kill ${first.pid}\n`), stderr);
});

test('second daemon: allowed when the first has ended, by SIGTERM or by SIGKILL', async (t) => {
  const lab = await host(t);
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
    await end(await start(t, lab), signal);
  }
  assert.deepEqual(await daemonFiles(lab), []);
});

test('second daemon: the next start removes the file of a daemon killed during its start', async (t) => {
  const lab = await host(t);
  await end(await start(t, lab), 'SIGKILL');
  // A process of that id ran, and ended.
  const { pid } = spawnSync(process.execPath, ['--version']);
  await writeFile(`${file(lab)}.${pid}-0123456789ab.tmp`, '{"pid":');
  await start(t, lab);
  await waitUntil(async () => (await daemonFiles(lab)).join() === 'daemon.json');
});

const STALE: Record<string, string> = {
  'names a process that started at another time': JSON.stringify({
    pid: process.pid,
    started: '1',
    since: '2026-01-01T00:00:00Z',
  }),
  'is empty': '',
  'is no JSON': '{"pid":',
};
for (const [name, content] of Object.entries(STALE)) {
  test(`second daemon: a file that ${name} does not prevent a start`, async (t) => {
    const lab = await host(t);
    await mkdir(dirname(file(lab)), { recursive: true });
    await writeFile(file(lab), content);
    await start(t, lab);
  });
}

test('second daemon: when several start at once after a killed one, exactly one stays', async (t) => {
  const lab = await host(t);
  await end(await start(t, lab), 'SIGKILL');
  const daemons = Array.from({ length: 4 }, () => lab.start([]));
  t.after(() => daemons.map((daemon) => daemon.kill('SIGKILL')));
  const codes = () => daemons.map(({ exitCode }) => exitCode).filter((code) => code !== null);
  for (const { stdout, stderr } of daemons) [stdout, stderr].map((stream) => stream?.resume());
  await waitUntil(() => codes().length === 3);
  assert.deepEqual(codes(), [11, 11, 11]);
  const { pid } = JSON.parse(await readFile(file(lab), 'utf8'));
  assert.equal(pid, daemons.find(({ exitCode }) => exitCode === null)?.pid);
});

test('second daemon: one cycle by hand beside the daemon is allowed', async (t) => {
  const lab = await host(t);
  const daemon = await start(t, lab);
  await waitUntil(() => lab.status().certname !== '');
  const { code, stderr } = await lab.run(['--once']);
  assert.notEqual(code, 11, stderr);
  assert.equal(daemon.exitCode, null);
});

test('second daemon: an ordinary user gets a message about the running service and sudo', async (t) => {
  const lab = await host(t);
  await start(t, lab, { NOTIFY_SOCKET: '/nowhere' });
  await waitUntil(() => lab.status().certname !== '');
  await chmod(lab.root, 0o755);
  if (!isRoot) for (const path of [lab.paths.state, lab.paths.runtime]) await chmod(path, 0o555);
  const { code, stderr } = await asOrdinaryUser(['--root', lab.root]);
  if (!isRoot) for (const path of [lab.paths.state, lab.paths.runtime]) await chmod(path, 0o755);
  assert.equal(code, 11, stderr);
  assert.match(stderr, /\.service, process \d+/);
  assert.match(stderr, /\nnext: sudo mm-agent --once --root \S+\n$/);
});
