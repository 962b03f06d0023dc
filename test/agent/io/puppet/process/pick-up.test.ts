import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import type { PuppetExit } from '../../../../../agent/core/run/puppet-run.ts';
import { isOwn, isRunning, sendSignal } from '../../../../../agent/io/host/processes.ts';
import { type HostPuppetOptions, hostPuppet } from '../../../../../agent/io/puppet/puppet.ts';
import type { ApplyRequest } from '../../../../../agent/ports.ts';
import { puppetPlace, summaryOf } from '../../../../support/puppet-run.ts';
import { names, temporaryDirectory } from '../../../../support/temporary-directory.ts';

const FIXTURES = join(import.meta.dirname, '../../../../fixtures/puppet');
const NEVER = new AbortController().signal;

/** Starts a run with a separate agent, and kills the agent when Puppet prints the text. */
async function killedAgent(
  options: HostPuppetOptions,
  request: ApplyRequest,
  at: string,
): Promise<void> {
  const words = [options, request].map((value) => JSON.stringify(value));
  const agent = spawn(process.execPath, [join(FIXTURES, 'driver.ts'), 'apply', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(agent, 'exit');
  for await (const line of createInterface({ input: agent.stdout })) {
    if (line.includes(at)) agent.kill('SIGKILL');
  }
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL');
}

suite('a run whose agent was killed', () => {
  test('continues to its end, and the next agent reads its result', async (t) => {
    const place = await puppetPlace(t);
    const file = join(place.directory, 'written');
    const go = join(place.directory, 'go');
    await place.write({
      'wait.sh': `#!/bin/sh\nuntil [ -e ${go} ]; do sleep 0.05; done\n`,
      'manifests/site.pp': `notify { 'begun': } -> exec { '${place.request().environmentPath}/stable/wait.sh': } -> file { '${file}': content => 'x' }`,
    });
    const startedAt = Date.now();
    const request = place.request();
    await killedAgent({ launcher: 'group' }, request, 'begun');
    await assert.rejects(stat(file), { code: 'ENOENT' });

    const puppet = hostPuppet({ launcher: 'group' });
    const picking = puppet.pickUp(request.runDirectory, NEVER);
    await writeFile(go, '');
    const picked = await picking;
    assert.ok(picked !== undefined && picked.startedAt >= startedAt);
    assert.deepEqual([picked.runId, picked.exit], ['run-1', { kind: 'unseen' }]);
    const summary = await summaryOf(puppet, request, picked);
    assert.deepEqual([summary.status, summary.exitCode], ['changed', null]);
    assert.equal(summary.changedResourcesTotal, 3);
    assert.ok((await stat(file)).isFile());
    assert.equal(await puppet.pickUp(request.runDirectory, NEVER), undefined);
  });

  test('is ended at its own time limit, and a run with another name is left alone', async (t) => {
    const place = await puppetPlace(t);
    const options: HostPuppetOptions = {
      launcher: 'group',
      configuredPath: join(FIXTURES, 'fake'),
      environment: { FAKE: 'stubborn' },
      graceMs: 300,
    };
    const puppet = hostPuppet(options);
    const request = place.request({ puppet: await puppet.find(), timeLimitSeconds: 600 });
    await killedAgent(options, request, 'started');
    await letLimitPass(request.runDirectory);

    const other = `${request.runDirectory}0`;
    await mkdir(other);
    const limitAt = Date.now() + 100_000;
    const record = {
      schemaVersion: 1,
      runId: 'run-10',
      startedAt: 7,
      limitAt,
      noop: false,
      unit: null,
    };
    await writeFile(join(other, 'process.json'), JSON.stringify(record));
    assert.deepEqual(await puppet.pickUp(other, NEVER), {
      runId: 'run-10',
      startedAt: 7,
      noop: false,
      exit: { kind: 'unseen' },
    });
    assert.deepEqual((await puppet.pickUp(request.runDirectory, NEVER))?.exit, {
      kind: 'killed',
      signal: 'SIGKILL',
      why: 'time-limit',
    });
    assert.ok(!(await names(request.runDirectory)).includes('process.json'));
  });
});

/** As if the time limit of the run had just passed. */
async function letLimitPass(runDirectory: string): Promise<void> {
  const path = join(runDirectory, 'process.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...record, limitAt: Date.now() }));
}

/** A process with the path of the report in its arguments that is not the run. */
async function decoy(t: TestContext, runDirectory: string): Promise<ChildProcess> {
  const words = ['-c', 'echo ready; sleep 600', 'x', join(runDirectory, 'report.json'), 'y'];
  const child = spawn('/bin/sh', words, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => sendSignal(-(child.pid ?? 0), 'SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

suite('row 21: another process with the path of the report in its arguments', () => {
  const RECORD = { schemaVersion: 1, runId: 'run-1', startedAt: 7, noop: false, unit: null };

  async function pickedUp(
    runDirectory: string,
    record: Readonly<Record<string, unknown>>,
  ): Promise<PuppetExit | undefined> {
    await mkdir(runDirectory, { recursive: true });
    const text = JSON.stringify({ ...RECORD, limitAt: Date.now() + 200, ...record });
    await writeFile(join(runDirectory, 'process.json'), text);
    const puppet = hostPuppet({ launcher: 'group', graceMs: 300 });
    return (await puppet.pickUp(runDirectory, NEVER))?.exit;
  }

  test('is left alone when the recorded process has ended', async (t) => {
    const directory = await temporaryDirectory(t);
    const child = await decoy(t, directory);
    const process = { pid: child.pid, started: '1' };
    assert.deepEqual(await pickedUp(directory, { process }), { kind: 'unseen' });
    assert.ok(isRunning(child.pid ?? 0));
  });

  test('is left alone when it started before the record was written', async (t) => {
    const directory = await temporaryDirectory(t);
    const child = await decoy(t, directory);
    const later = { uptimeSeconds: uptime() + 60, startedAt: Date.now() + 60_000 };
    const limitAt = Date.now() + 60_200;
    assert.deepEqual(await pickedUp(directory, { ...later, limitAt }), { kind: 'unseen' });
    assert.ok(isRunning(child.pid ?? 0));
  });

  test('is the run when there is no record, and it is ours and started later', async (t) => {
    const directory = await temporaryDirectory(t);
    const before = { uptimeSeconds: uptime(), startedAt: Date.now() };
    await decoy(t, directory);
    assert.equal((await pickedUp(directory, before))?.kind, 'killed');
  });

  test('a process of another user, and a setuid program of root, are not ours', async (t) => {
    assert.ok(await isOwn(process.pid));
    const user = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const others = [
      ['/bin/sleep', '600'],
      ['/bin/su', '-c', 'true', 'root'], // waits for a password
    ].map(([program = '', ...words]) => {
      const child = spawn(program, words, { ...user, stdio: ['pipe', 'ignore', 'ignore'] });
      t.after(() => child.kill('SIGKILL'));
      return child;
    });
    await Promise.all(others.map((child) => once(child, 'spawn')));
    // As an ordinary user, only the setuid program has another one.
    const [sleeping, asking] = await Promise.all(others.map(({ pid }) => isOwn(pid ?? 0)));
    assert.deepEqual([sleeping, asking], [process.geteuid?.() !== 0, false]);
  });
});

suite('a run directory without a run under way', () => {
  test('no record', async (t) => {
    const place = await puppetPlace(t);
    const puppet = hostPuppet({ launcher: 'group' });
    assert.equal(await puppet.pickUp(place.directory, NEVER), undefined);
  });

  test('a record that a power cut damaged', async (t) => {
    const place = await puppetPlace(t);
    await writeFile(join(place.directory, 'process.json'), '{"runId":');
    const puppet = hostPuppet({ launcher: 'group' });
    assert.equal(await puppet.pickUp(place.directory, NEVER), undefined);
  });
});
