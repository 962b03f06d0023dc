import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { hookEnvironment } from '../../agent/core/hooks/hook-input.ts';
import { isHookName } from '../../agent/core/hooks/stages.ts';
import { sampleRun, sampleStatus } from '../support/status-sample.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/hooks');

/** Runs an example with programs that write down their arguments and their input. */
async function example(t: TestContext, name: string) {
  const directory = await temporaryDirectory(t);
  const seen = (what: string) => readFile(join(directory, what), 'utf8');
  return {
    directory,
    seen,
    async program(name: string, script = ''): Promise<void> {
      const note = `printf '%s\\n' "$*" >>${directory}/${name}.argv; cat >${directory}/${name}.stdin`;
      const text = `#!/bin/sh\n${note}\n${script}\n`;
      await writeFile(join(directory, name), text, { mode: 0o755 });
    },
    async run(
      stage: 'pre-run' | 'on-failure' | 'on-change' | 'on-converged' | 'on-not-converged',
      env = {},
    ) {
      const log = join(directory, 'puppet.log');
      await writeFile(log, 'Error: the end of the log\n');
      const { certname, tree, environment, groups, release } = sampleStatus;
      const known = hookEnvironment({
        ...{ schemaVersion: 1, stage, certname, tree, environment, groups, release, log },
        ...{ reason: 'asked', noop: false, runId: 'x', tries: null },
        run: { ...sampleRun, status: 'failed', error: 'a "b" \\ <c> & d' },
      });
      const path = `${directory}:${process.env['PATH']}`;
      const options = { env: { ...known, ...env, PATH: path } };
      const child = promisify(execFile)(join(EXAMPLES, name), [], options);
      // A hook need not read its stdin.
      child.child.stdin?.on('error', () => undefined).end('{}\n');
      return (await child).stdout;
    },
  };
}

test('examples: the hooks are programs with names of run-parts, and POSIX shell', () => {
  const names = readdirSync(EXAMPLES);
  assert.deepEqual(names.filter(isHookName), names);
  for (const name of names) {
    accessSync(join(EXAMPLES, name), constants.X_OK);
    execFileSync('sh', ['-n', join(EXAMPLES, name)]);
  }
});

test('examples: mail-log sends the error and the end of the log', async (t) => {
  const { program, run, seen, directory } = await example(t, 'mail-log');
  await program('mail');
  await run('on-failure', { MAIL_TO_FILE: '/nowhere' });
  assert.equal(await seen('mail.argv'), '-s Puppet failed on web1.example.com root\n');
  assert.match(await seen('mail.stdin'), /1\.4\.2 \(stable\).*a "b" .*the end of the log/s);
  const to = join(directory, 'mail-to');
  await writeFile(to, 'ops@example.com\n');
  await run('on-failure', { MAIL_TO_FILE: to });
  assert.match(await seen('mail.argv'), / ops@example\.com\n$/);
});

test('examples: repair-dpkg does nothing on a sound host, and completes what was interrupted', async (t) => {
  const { program, run, seen, directory } = await example(t, 'repair-dpkg');
  const updates = join(directory, 'updates');
  await mkdir(updates);
  await program('dpkg', `[ "$1" != --audit ] || cat ${directory}/audit`);
  await program('apt-get');
  await writeFile(join(directory, 'audit'), '');
  const env = { DPKG_ADMINDIR: directory };
  assert.equal(await run('pre-run', env), '');
  assert.equal(await seen('dpkg.argv'), '--audit\n');
  await writeFile(join(updates, '0001'), '');
  assert.match(await run('pre-run', env), /updates are left over/);
  assert.match(await seen('dpkg.argv'), /--configure -a\n$/);
  assert.match(await seen('apt-get.argv'), /--fix-broken install\n$/);
  await rm(join(updates, '0001'));
  await writeFile(join(directory, 'audit'), 'half-configured: x\n');
  assert.match(await run('pre-run', env), /half-configured/);
});

test('examples: slack posts valid JSON, and the address is in no argument', async (t) => {
  const { program, run, seen, directory } = await example(t, 'slack');
  await program('curl');
  const file = join(directory, 'webhook');
  await writeFile(file, 'https://hooks.slack.com/services/T0/B0/key\n');
  await run('on-failure', { SLACK_WEBHOOK_FILE: file });
  const argv = await seen('curl.argv');
  assert.doesNotMatch(argv, /hooks\.slack\.com/);
  assert.match(await seen('curl.stdin'), /^url = "https:\/\/hooks\.slack\.com.*"\n$/);
  const { text } = JSON.parse(argv.slice(argv.indexOf('{'))) as { text: string };
  assert.match(text, /failed on web1\.example\.com.* a "b" \\ &lt;c&gt; &amp; d$/);
});

test('examples: worker-sentinel', async (t) => {
  const { run, directory } = await example(t, 'worker-sentinel');
  const env = { WORKER_DIRECTORY: join(directory, 'worker') };
  const found = () =>
    ['ready', 'restart'].map((name) => existsSync(join(directory, 'worker', name)));
  await run('on-change', env);
  assert.deepEqual(found(), [false, true]);
  await run('on-converged', env);
  assert.deepEqual(found(), [true, true]);
  await run('on-not-converged', env);
  assert.deepEqual(found(), [false, true]);
});
