import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const WRAPPER = join(import.meta.dirname, '../../launchd/mm-agent-daemon');

/**
 * The wrapper in a folder, with a Node that reports a mistake `mistakes` times and a sleep that
 * returns at once.
 */
async function wrapped(
  t: TestContext,
  plan: { mistakes: number; onSleep: string; hasRoot?: false },
) {
  const root = await temporaryDirectory(t);
  const at = (path: string) => join(root, path);
  await mkdir(at('usr/local/miyamoto'), { recursive: true });
  await mkdir(at('etc/miyamoto'), { recursive: true });
  if (plan.hasRoot !== false) await writeFile(at('etc/miyamoto/root.json'), '{}');
  const text = (await readFile(WRAPPER, 'utf8')).replaceAll(/=(\/(?:usr|etc|var))/g, `=${root}$1`);
  await writeFile(at('wrapper'), text);
  const program = async (path: string, script: string) => {
    await writeFile(at(path), `#!/bin/sh\n${script}\n`);
    await chmod(at(path), 0o755);
  };
  await program(
    'usr/local/miyamoto/node',
    `options=
while case $1 in --*) true ;; *) false ;; esac; do options="$options$1 "; shift; done
echo "$options$2" >>${root}/starts
if [ "$2" = --settings ]; then
  [ $(grep -c settings ${root}/starts) -le ${plan.mistakes} ] && echo '{"error":{}}' || echo '{"config":{}}'
else
  [ "$(cat ${root}/var/run/miyamoto/mm-agent.pid)" = $$ ] && echo "the agent, $options$2"
fi`,
  );
  await program('sleep', `echo x >>${root}/sleeps\n${plan.onSleep.replaceAll('ROOT', root)}`);
  const { stdout, stderr } = await promisify(execFile)('sh', [at('wrapper'), '--debug'], {
    env: { PATH: `${root}:/usr/bin:/bin` },
    timeout: 300_000,
  });
  const lines = async (path: string) =>
    (await readFile(at(path), 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return { stdout, stderr, starts: await lines('starts'), sleeps: (await lines('sleeps')).length };
}

test('launchd wrapper: becomes the agent, whose id is in the pid file', async (t) => {
  const { stdout, stderr, starts, sleeps } = await wrapped(t, { mistakes: 0, onSleep: '' });
  assert.deepEqual(
    { stdout, stderr, starts, sleeps },
    {
      stdout: 'the agent, --lite-mode --debug\n',
      stderr: '',
      starts: ['--settings', '--lite-mode --debug'],
      sleeps: 0,
    },
  );
});

test('launchd wrapper: without a trust root nothing is started', async (t) => {
  const plan = { mistakes: 0, onSleep: '', hasRoot: false } as const;
  const { stdout, stderr, starts, sleeps } = await wrapped(t, plan);
  assert.deepEqual([stdout, stderr, starts, sleeps], ['', '', [], 0]);
});

test('launchd wrapper: with a mistake in the configuration it tries once an hour', async (t) => {
  const { stderr, starts, sleeps } = await wrapped(t, { mistakes: 2, onSleep: '' });
  assert.equal(stderr, '{"error":{}}\n'.repeat(2));
  assert.equal(starts.length, 4);
  assert.equal(sleeps, 240, 'each is half a minute');
});

test('launchd wrapper: a change of the configuration ends the wait', async (t) => {
  const onSleep = 'touch ROOT/etc/miyamoto/agent.yaml';
  const { starts, sleeps } = await wrapped(t, { mistakes: 1, onSleep });
  assert.equal(starts.length, 3);
  assert.equal(sleeps, 1);
});
