import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { NO_STATE } from '../../../agent/core/state.ts';
import { startOf } from '../../../agent/io/host/processes.ts';
import { hostPaths } from '../../../agent/paths.ts';
import { builtProgram } from '../../support/built-program.ts';
import { isRoot, ordinaryUsersAgent } from '../../support/ordinary-user.ts';
import { sampleStatus } from '../../support/status-sample.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

const [NODE = '', ...AGENT] = await builtProgram('mm-agent');

const asOrdinaryUser = ordinaryUsersAgent();

async function host(t: TestContext) {
  const root = await temporaryDirectory(t);
  await chmod(root, 0o755);
  const paths = hostPaths({ platform: process.platform === 'darwin' ? 'darwin' : 'linux', root });
  const run = async (argv: readonly string[]) => {
    const child = spawn(NODE, [...AGENT, ...argv, '--root', root], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env: {},
    });
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr };
  };
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const state = { ...NO_STATE, status: sampleStatus };
  await writeFile(paths.stateFile, JSON.stringify(state), { mode: 0o600 });
  return { root, paths, run };
}

test('enable: Puppet’s own lock still disables, and is named', async (t) => {
  const { paths, run } = await host(t);
  const lock = paths.puppetDisabledFiles[1]!;
  await mkdir(dirname(lock), { recursive: true });
  await writeFile(lock, '{"disabled_message":"by hand"}');
  await run(['disable', 'a', 'reason']);
  const { code, stdout } = await run(['enable']);
  assert.equal(code, 10);
  assert.ok(stdout.includes(lock), stdout);
  assert.ok(!(await names(paths.state)).includes('disabled.json'));
  const status = await run(['status']);
  assert.match(status.stdout, /by hand; undo with: puppet agent --enable/);
});

test('enable: a directory in the place of our file disables, and is removed', async (t) => {
  const { paths, run } = await host(t);
  await mkdir(join(paths.disabledFile, 'inside'), { recursive: true });
  assert.match((await run(['status'])).stdout, /undo with: mm-agent enable/);
  assert.deepEqual(await run(['enable']), { code: 0, stdout: 'enabled\n', stderr: '' });
});

test('enable: status reports only our own file', async (t) => {
  const { run } = await host(t);
  await run(['disable', 'a', 'reason']);
  assert.match((await run(['status'])).stdout, /a reason; undo with: mm-agent enable/);
  assert.deepEqual(await run(['enable']), { code: 0, stdout: 'enabled\n', stderr: '' });
});

test('row 9: status shows the floor of the clock, and reset-clock forgets it', async (t) => {
  const { paths, run } = await host(t);
  const record = { anchor: 'a', rootVersion: 3, askedForRootAt: 1, clockFloor: Date.UTC(2999, 0) };
  await mkdir(paths.trust, { recursive: true });
  await writeFile(join(paths.trust, 'record.json'), JSON.stringify(record));
  const status = await run(['status']);
  assert.match(status.stdout, /clock +never before 2999-01-01.*undo with: mm-agent reset-clock/);
  assert.equal(
    JSON.parse((await run(['status', '--json'])).stdout).clockFloorAt,
    '2999-01-01T00:00:00.000Z',
  );
  assert.match((await run(['reset-clock'])).stdout, /^forgot the floor 2999-01-01/);
  assert.doesNotMatch((await run(['status'])).stdout, /clock +never before/);
  assert.equal((await run(['reset-clock'])).stdout, 'no floor was kept\n');
  assert.equal((await run(['reset-clock', 'now'])).code, 20);
});

test('status: a cycle is reported as running only while the holder of the lock lives', async (t) => {
  const { paths, run } = await host(t);
  await mkdir(paths.lock, { recursive: true });
  const hold = async (started: string | undefined) =>
    await writeFile(`${paths.lock}.json`, JSON.stringify({ pid: process.pid, started }));
  await hold('another time');
  assert.doesNotMatch((await run(['status'])).stdout, /under way/);
  await hold(await startOf(process.pid));
  assert.match((await run(['status'])).stdout, /under way/);
});

test('status: a user who may not read it gets a message', async (t) => {
  const { root, paths } = await host(t);
  if (!isRoot) await chmod(paths.state, 0);
  const { code, stderr } = await asOrdinaryUser(['status', '--root', root]);
  await chmod(paths.state, 0o700);
  assert.equal(code, 20, stderr);
  assert.match(stderr, /may not read/);
  assert.match(stderr, /next: sudo mm-agent status/);
});

test('facts: an output larger than a pipe buffer is complete', async (t) => {
  const { paths, run } = await host(t);
  const value = 'x'.repeat(2 * 1024 ** 2);
  const facts = {
    schemaVersion: 1,
    certname: 'web1.example.com',
    digest: 'a'.repeat(64),
    writtenAt: '2026-11-01T00:00:00.000Z',
    facts: { value },
  };
  await writeFile(paths.facts, JSON.stringify(facts));
  assert.ok((await readFile(paths.facts)).length > value.length);
  const { code, stdout } = await run(['facts', '--json']);
  assert.equal(code, 0);
  assert.ok(stdout.length > value.length, `${stdout.length} bytes`);
});
