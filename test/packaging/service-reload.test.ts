import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const UNIT = join(import.meta.dirname, '../../systemd/mm-agent.service');

/**
 * The shell text of ExecReload= as systemd passes it to the shell, with a Node that prints
 * `answer`.
 */
async function reloadText(t: TestContext, answer: string, exitCode = 0): Promise<string> {
  const directory = await temporaryDirectory(t);
  const node = join(directory, 'node');
  await writeFile(join(directory, 'answer'), answer);
  await writeFile(node, `#!/bin/sh\ncat ${directory}/answer\nexit ${exitCode}\n`, { mode: 0o755 });
  const unit = await readFile(UNIT, 'utf8');
  const [, text = ''] = /^ExecReload=\/bin\/sh -c "(.*)"$/m.exec(unit) ?? assert.fail();
  // systemd.unit(5): a backslash escapes what follows; $$ and %% are a dollar and a percent sign.
  const unescaped = text
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll('$$', () => '$')
    .replaceAll('%%', '%');
  return unescaped.replaceAll('/usr/libexec/miyamoto/node', node);
}

/** Runs the reload for a process, and returns how both ended. */
async function reload(t: TestContext, text: string) {
  const child = spawn('sleep', ['60']);
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const { status, stderr } = spawnSync('/bin/sh', ['-c', text], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], MAINPID: String(child.pid) },
  });
  child.kill('SIGTERM');
  return { status, stderr, signal: (await ended)[1] };
}

test('reload: sends the signal when the configuration is valid', async (t) => {
  const text = await reloadText(t, '{"config":{"log":{"level":"error"}},"identity":{}}\n');
  assert.deepEqual(await reload(t, text), { status: 0, stderr: '', signal: 'SIGHUP' });
});

test('reload: with a mistake it fails, logs an error, and sends no signal', async (t) => {
  const answer = '{"error":{"code":"CONFIG_INVALID","message":"it\'s $wrong\\nand %s"}}';
  const text = await reloadText(t, `${answer}\n`);
  const want = { status: 20, stderr: `<3>${answer}\n`, signal: 'SIGTERM' };
  assert.deepEqual(await reload(t, text), want);
});

test('reload: fails when the settings cannot be read at all', async (t) => {
  const { status, signal } = await reload(t, await reloadText(t, '', 7));
  assert.deepEqual([status, signal], [7, 'SIGTERM']);
});
