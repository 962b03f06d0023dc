import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RequestedCycle } from '../../agent/commands/steer/run.ts';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';
import { waitUntil } from '../support/wait-until.ts';

const KILL_AT = join(import.meta.dirname, '../support/kill-at.mjs');

test('run: the daemon runs now, and diff changes nothing', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo "$@" >> ${lab.root}/arguments`);
  const yearly = `schedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`;
  await lab.configure(`run: { puppet: ${puppet} }\n${yearly}`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  const none = await lab.run(['run']);
  assert.equal(none.code, 20, none.stderr);
  assert.match(none.stderr, /daemon on this host.*found none\nnext: mm-agent --once/);

  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  const first = lab.status().run?.id;
  const ask = async (...argv: string[]): Promise<RequestedCycle> => {
    const { stdout, stderr } = await lab.run(['run', '--json', ...argv]);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as RequestedCycle;
  };
  const asked = await ask();
  assert.deepEqual(
    [asked.end, asked.exitCode, asked.run?.reason],
    ['ended', 0, 'a run was requested'],
  );
  assert.notEqual(asked.run?.id, first);
  const noop = await ask('--noop');
  assert.equal(noop.exitCode, 0);
  assert.notEqual(noop.run?.id, asked.run?.id);
  assert.match((await lab.run(['run'])).stdout, /^unchanged .*what Puppet printed: mm-agent log /s);

  const state = await readFile(lab.paths.stateFile);
  const diff = await lab.run(['diff']);
  assert.equal(diff.code, 0, diff.stderr);
  assert.equal(diff.stdout, 'nothing would change\n');
  assert.deepEqual(diff.requests, [], 'the bucket is not asked');
  assert.deepEqual(await readFile(lab.paths.stateFile), state);
  const runs = (await readFile(join(lab.root, 'arguments'), 'utf8')).trim().split('\n');
  assert.deepEqual(
    runs.map((words) => [words.includes('--noop'), words.includes('--show_diff')]),
    [
      [false, false],
      [false, false],
      [true, false],
      [false, false],
      [true, true],
    ],
  );
  await lab.run(['disable', 'a', 'reason']);
  const disabled = await lab.run(['diff']);
  assert.equal(disabled.code, 10);
  assert.match(disabled.stdout, /skipped.*disabled: a reason/);
  daemon.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('run: one that was ended before the daemon began it is done first, and as it was asked for', async (t) => {
  const lab = await agentLab(t);
  const [argv, go] = [join(lab.root, 'arguments'), join(lab.root, 'go')];
  const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`;
  const puppet = await lab.fakePuppet(`echo "$@" >> ${argv}\n${wait}`);
  await lab.configure(
    `run: { puppet: ${puppet} }\nschedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`,
  );
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => existsSync(argv));
  const { request } = lab.paths;
  const waiting = lab.start(['run', '--noop']);
  const left = lab.end(waiting);
  await waitUntil(() => existsSync(request));
  const asked = await readFile(request, 'utf8');
  waiting.kill('SIGINT');
  assert.match((await left).stdout, /goes on in the daemon/);
  const next = lab.end(lab.start(['run']));
  await waitUntil(() => existsSync(`${lab.paths.requestLock}.json`));
  assert.equal(await readFile(request, 'utf8'), asked);
  await writeFile(go, '');
  assert.equal((await next).code, 0);
  const runs = (await readFile(argv, 'utf8')).trim().split('\n');
  assert.deepEqual(
    runs.map((words) => words.includes('--noop')),
    [false, true, false],
  );
  daemon.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('run: one that was killed before its signal is done, and the next one does not wait for it', async (t) => {
  const lab = await agentLab(t);
  const argv = join(lab.root, 'arguments');
  const puppet = await lab.fakePuppet(`echo "$@" >> ${argv}`);
  await lab.configure(
    `run: { puppet: ${puppet} }\nschedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`,
  );
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  const env = { NODE_OPTIONS: `--import=${KILL_AT}`, MM_KILL_BEFORE: '^kill SIGUSR2' };
  assert.equal((await lab.run(['run', '--noop'], env)).signal, 'SIGKILL');
  assert.ok(existsSync(lab.paths.request));
  const next = await lab.run(['run']);
  assert.equal(next.code, 0, next.stderr);
  // A signal too many is no run.
  daemon.kill('SIGUSR2');
  assert.equal((await lab.run(['run'])).code, 0);
  const runs = (await readFile(argv, 'utf8')).trim().split('\n');
  assert.deepEqual(
    runs.map((words) => words.includes('--noop')),
    [false, true, false, false],
  );
  daemon.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});
