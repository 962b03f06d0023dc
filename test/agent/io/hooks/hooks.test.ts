import assert from 'node:assert/strict';
import { existsSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostHooks } from '../../../../agent/io/hooks/hooks.ts';
import { launchHook } from '../../../../agent/io/hooks/launch-hook.ts';
import { findHooks } from '../../../../agent/io/hooks/programs.ts';
import { groupExists, isRunning } from '../../../../agent/io/host/processes.ts';
import { hostPaths } from '../../../../agent/paths.ts';
import type { HookRequest } from '../../../../agent/ports.ts';
import { fakeLog } from '../../../support/fake-log.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const REQUEST: HookRequest = {
  stage: 'post-run',
  certname: 'web1.example.com',
  tree: 'ubuntu',
  environment: 'stable',
  groups: ['canary'],
  release: sampleStatus.release,
  reason: 'a run was requested',
  noop: false,
  runId: sampleRun.id,
  run: sampleRun,
  tries: null,
};

async function place(t: TestContext, limitSeconds = 60) {
  const root = await temporaryDirectory(t);
  const paths = hostPaths({ platform: 'linux', root });
  const log = fakeLog();
  const settings = { hooks: { time_limit: { seconds: limitSeconds }, noop: false } };
  const stop = new AbortController();
  const hooks = hostHooks(settings, paths, {
    files: paths.hookFiles,
    launcher: 'group',
    log,
    graceMs: 50,
  });
  return {
    root,
    paths,
    log,
    stop,
    hooks,
    async add(name: string, script: string, mode = 0o755): Promise<string> {
      const path = join(paths.hooks, 'post-run', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, mode);
      return path;
    },
    run: async () => await hooks.run(REQUEST, stop.signal),
    lines: () =>
      log.lines.filter(({ event }) => event === 'hook.line').map(({ fields }) => fields['text']),
  };
}

test('hooks: programs run one after the other, with the facts in the environment and on stdin', async (t) => {
  const { root, paths, hooks, add, run, lines } = await place(t);
  assert.equal(hooks.has('post-run'), false);
  const puppetLog = join(paths.runs, sampleRun.id, 'puppet.log');
  await mkdir(dirname(puppetLog), { recursive: true });
  await writeFile(puppetLog, 'Notice: x\n');
  await add('20-second', `cat >${root}/stdin; pwd`);
  await add('10-first', 'echo "$MM_STAGE $MM_OUTCOME $MM_LOG"; env | grep -c AWS_');
  await add('30-third.sh', 'echo not a name of run-parts');
  await add('40-fourth', 'echo not a program', 0o644);
  await mkdir(join(paths.hooks, 'post-run', '50-directory'));
  await symlink('/nowhere', join(paths.hooks, 'post-run', '60-link'));
  assert.deepEqual(
    (await run()).map(({ name, why }) => `${name} ${why}`),
    ['10-first ended with exit code 1'],
  );
  assert.deepEqual(lines(), [`post-run unchanged ${puppetLog}`, '0', '/']);
  const document = JSON.parse(await readFile(join(root, 'stdin'), 'utf8'));
  assert.deepEqual(document, { schemaVersion: 1, ...REQUEST, log: puppetLog });
  assert.ok(!existsSync(paths.hookFiles));
});

test('hooks: a failure has the end of the output, without credentials and control characters', async (t) => {
  const { add, run } = await place(t);
  await add('fails', `printf 'one\\033[2J\\nError: db_password=s3cret\\n' >&2; exit 3`);
  const [failure] = await run();
  assert.equal(failure?.why, 'ended with exit code 3');
  assert.equal(failure.output, 'one [2J Error: db_password=[redacted]');
});

test('hooks: one that another user can change is refused, and the others run', async (t) => {
  const { add, run, lines } = await place(t);
  await add('10-open', 'echo open', 0o757);
  await add('20-good', 'echo good');
  const [failure] = await run();
  assert.equal(failure?.name, '10-open');
  assert.match(failure.why, /can be written by others, mode 0757/);
  assert.deepEqual(lines(), ['good']);
});

test('hooks: at its time limit, a hook ends with everything that it has started', async (t) => {
  const { root, add, run } = await place(t, 1);
  await add('slow', `trap '' TERM; (trap '' TERM; sleep 600) & echo $! >${root}/child; sleep 600`);
  const [failure] = await run();
  assert.equal(failure?.why, 'ended after 1 s, by its time limit');
  assert.equal(isRunning(Number(await readFile(join(root, 'child'), 'utf8'))), false);
});

test('hooks: what a hook leaves running ends with it, without a wait', async (t) => {
  const { root, add, run } = await place(t);
  await add('leaves', `sleep 600 & echo $! >${root}/child`);
  assert.deepEqual(await run(), []);
  const child = Number(await readFile(join(root, 'child'), 'utf8'));
  await waitUntil(() => !isRunning(child));
});

test('hooks: a stop of the agent ends the hook, and no other one starts', async (t) => {
  const { root, stop, add, run } = await place(t);
  await add('10-slow', `touch ${root}/started; sleep 600`);
  await add('20-next', `touch ${root}/next`);
  const ended = run();
  await waitUntil(() => existsSync(join(root, 'started')));
  stop.abort();
  assert.deepEqual(
    (await ended).map(({ name, why }) => `${name} ${why}`),
    ['10-slow ended because the agent was stopped', '20-next not run: the agent was stopped'],
  );
  assert.ok(!existsSync(join(root, 'next')));
});

test('hooks: a required one that is not executable, or has no target, fails', async (t) => {
  const { paths, add, run } = await place(t);
  await add('10-required', 'exit 0', 0o644);
  await symlink('/nowhere', join(paths.hooks, 'post-run', 'required-link'));
  await add('required.bak', 'exit 0', 0o644);
  const why = 'not run: it is not an executable file';
  assert.deepEqual(await run(), [
    { stage: 'post-run', name: '10-required', why },
    { stage: 'post-run', name: 'required-link', why },
  ]);
});

test('hooks: what only looks like a hook is found for the doctor', async (t) => {
  const { paths, add } = await place(t);
  await add('10-good', '');
  await add('mail.sh', '');
  await add('20-plain', '', 0o644);
  await mkdir(join(paths.hooks, 'on-succes'));
  await writeFile(join(paths.hooks, 'README'), 'x');
  await add('30-required', '', 0o644);
  const linked = await temporaryDirectory(t);
  await writeFile(join(linked, 'linked'), '', { mode: 0o755 });
  await symlink(linked, join(paths.hooks, 'pre-run'));
  const { programs, failing, ignored } = findHooks(paths.hooks);
  assert.deepEqual(programs, ['pre-run/linked', 'post-run/10-good']);
  assert.deepEqual(failing, ['post-run/30-required']);
  assert.deepEqual([...ignored].sort(), ['on-succes', 'post-run/20-plain', 'post-run/mail.sh']);
});

test('hooks: a directory that agent.yaml names and that is missing is a failure of pre-run', async (t) => {
  const { paths, root } = await place(t);
  const directory = join(root, 'missing');
  const settings = { directory, time_limit: { seconds: 60 }, noop: false };
  const options = { files: paths.hookFiles, launcher: 'group', log: fakeLog() } as const;
  const hooks = hostHooks({ hooks: settings }, paths, options);
  assert.deepEqual([hooks.has('pre-run'), hooks.has('post-run')], [true, false]);
  const stop = new AbortController().signal;
  const [failure] = await hooks.run({ ...REQUEST, stage: 'pre-run' }, stop);
  assert.equal(failure?.name, '.');
  assert.match(failure.why, /^there is no directory \S+missing/);
});

test('hooks: the eleventh program of a directory and those after it are named and not run', async (t) => {
  const { paths, add, run, log } = await place(t);
  for (let number = 10; number < 22; number += 1) await add(`${number}`, '');
  const failures = await run();
  assert.deepEqual(
    failures.map(({ name }) => name),
    ['20', '21'],
  );
  assert.equal(log.lines.filter(({ event }) => event === 'hook.ended').length, 10);
  assert.deepEqual(findHooks(paths.hooks).failing, ['post-run/20', 'post-run/21']);
});

test('hooks: when the agent has died, the process group ends at its limit', async (t) => {
  const { root, add } = await place(t);
  const path = await add('slow', "trap '' TERM; sleep 600 & sleep 600");
  const output = join(root, 'output');
  const { pid } = await launchHook({
    path,
    directory: root,
    input: '{}',
    environment: {},
    output: { path: output, fd: openSync(output, 'a') },
    lastSeconds: 1,
    launcher: 'group',
  });
  assert.ok(pid !== undefined && groupExists(pid));
  await waitUntil(() => !isRunning(pid));
});
