import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { agentLab } from '../support/agent-lab.ts';
import { waitUntil } from '../support/wait-until.ts';

const MANIFEST = { 'manifests/site.pp': '' };

async function hookLab(t: TestContext, puppetScript: string) {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(puppetScript.replaceAll('ROOT', lab.root));
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  const calls = join(lab.root, 'calls');
  return {
    ...lab,
    async hook(path: string, script: string): Promise<void> {
      const file = join(lab.paths.hooks, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `#!/bin/sh\n${script}\n`);
      await chmod(file, 0o755);
    },
    /** Of hooks and Puppet, since the last call. */
    async calls(): Promise<readonly string[]> {
      const text = await readFile(calls, 'utf8').catch(() => '');
      await rm(calls, { force: true });
      return text.split('\n').slice(0, -1);
    },
    note: `echo "$MM_STAGE $MM_OUTCOME $MM_ERROR_CODE" >>${calls}`,
  };
}

test('hooks: before and after a run, and a required one stops it with a code', async (t) => {
  const lab = await hookLab(t, 'echo puppet >>ROOT/calls; [ ! -e ROOT/broken ] || exit 1');
  for (const stage of ['pre-run', 'on-change', 'on-failure', 'post-run'])
    await lab.hook(`${stage}/note`, lab.note);
  await lab.hook('pre-run/10-optional', 'echo no mount; exit 3');
  assert.equal((await lab.once()).code, 0);
  assert.deepEqual(await lab.calls(), ['pre-run  ', 'puppet', 'post-run unchanged ']);
  const failure = {
    ...{ stage: 'pre-run', name: '10-optional', why: 'ended with exit code 3' },
    output: 'no mount',
  };
  assert.deepEqual(lab.status().hooks, [failure]);
  assert.match(
    (await lab.run(['status'])).stdout,
    /^hook +pre-run\/10-optional ended .*no mount$/m,
  );

  const before = join(lab.root, 'before');
  await lab.hook('pre-run/10-optional', `: >${before}`);
  await writeFile(join(lab.root, 'broken'), '');
  await lab.hook('on-failure/log', `[ -f "$MM_LOG" ]`);
  assert.equal((await lab.once()).code, 1);
  const broken = ['puppet', 'on-failure not-compiled ', 'post-run not-compiled '];
  assert.deepEqual(await lab.calls(), ['pre-run  ', ...broken]);
  const { run: after, hooks: none } = lab.status();
  assert.equal(none, undefined);
  const { mtimeMs } = await stat(before);
  assert.ok(Date.parse(after?.startedAt ?? '') >= Math.floor(mtimeMs), 'the time of Puppet alone');

  await lab.hook('pre-run/20-required-mount', 'echo not mounted; exit 1');
  await lab.hook('on-failure/log', '[ -z "$MM_LOG" ]');
  const stopped = await lab.once();
  assert.equal(stopped.code, 1);
  const { run, hooks } = lab.status();
  assert.deepEqual([run?.status, run?.errorCode], ['failed', 'HOOK_FAILED']);
  assert.match(run?.error ?? '', /pre-run\/20-required-mount.*exit code 1: not mounted/);
  assert.deepEqual(
    hooks?.map(({ name }) => name),
    ['20-required-mount'],
  );
  const failed = ['on-failure failed HOOK_FAILED', 'post-run failed HOOK_FAILED'];
  assert.deepEqual(await lab.calls(), ['pre-run  ', ...failed]);

  await lab.once('--noop');
  assert.deepEqual(await lab.calls(), ['puppet'], 'a noop run has no hooks');
});

test('hooks: the status is sent before them, and an agent killed in one does not repeat the run', async (t) => {
  const lab = await hookLab(t, 'echo puppet >>ROOT/calls');
  const started = join(lab.root, 'started');
  await lab.hook('post-run/hangs', `touch ${started}; sleep 600`);
  const agent = lab.start(['--once', '--trigger', 'poll']);
  const ended = lab.end(agent);
  await waitUntil(() => existsSync(started));
  assert.equal(lab.status().run?.status, 'unchanged');
  agent.kill('SIGKILL');
  await ended;
  await lab.letLockGoStale();
  await lab.hook('post-run/hangs', lab.note);
  assert.equal((await lab.once('--trigger', 'poll')).code, 0);
  assert.deepEqual(await lab.calls(), ['puppet']);
});

test('hooks: the end of --until-converged', async (t) => {
  const lab = await hookLab(t, '[ ! -e ROOT/broken ] || exit 1');
  for (const stage of ['on-converged', 'on-not-converged'])
    await lab.hook(
      `${stage}/note`,
      `${lab.note}; echo "$MM_RELEASE $MM_TRIES" >>${lab.root}/calls`,
    );
  assert.equal((await lab.once('--until-converged')).code, 0);
  assert.deepEqual(await lab.calls(), ['on-converged unchanged ', '1.0.0 1']);
  await writeFile(join(lab.root, 'broken'), '');
  assert.equal((await lab.once('--until-converged', '--tries', '1')).code, 25);
  assert.deepEqual(await lab.calls(), ['on-not-converged not-compiled ', '1.0.0 1']);
});
