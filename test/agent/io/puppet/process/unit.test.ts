import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  hidingEnvironment,
  launchedIn,
  launchInUnit,
  unitArguments,
} from '../../../../../agent/io/puppet/process/unit.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

/** A systemctl that runs a script and records its arguments. */
async function systemctl(t: TestContext, script: string) {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'systemctl');
  const calls = join(directory, 'calls');
  await writeFile(path, `#!/bin/sh\necho "$1" >>${calls}\n${script}\n`);
  await chmod(path, 0o755);
  return {
    systemd: { systemctl: path, systemdRun: '/bin/false', pauseMs: 1 },
    asked: async () => (await readFile(calls, 'utf8')).trim().split('\n'),
  };
}

test('puppet unit: when systemd does not answer, the run is left alone', async (t) => {
  const { systemd, asked } = await systemctl(t, 'exit 1');
  await assert.rejects(launchedIn('mm-puppet-x.service', systemd), /systemd did not answer/);
  assert.deepEqual(
    await asked(),
    Array.from({ length: 10 }, () => 'show'),
  );
});

test('puppet unit: the result of an ended unit is read, then the unit is unloaded', async (t) => {
  const { systemd, asked } = await systemctl(
    t,
    "printf 'MainPID=0\\nExecMainCode=1\\nExecMainStatus=2\\n'",
  );
  const launched = await launchedIn('mm-puppet-x.service', systemd);
  assert.equal(launched.pid, undefined);
  assert.deepEqual(await launched.ended, { kind: 'code', code: 2 });
  assert.deepEqual(await asked(), ['show', 'stop', 'reset-failed']);
});

const stops: Record<string, readonly [script: string, stops: number]> = {
  'systemd is busy': ['[ $(wc -l <"$0.calls") -gt 3 ] || [ $1 != stop ] || exit 1', 3],
  'the unit is not loaded any more': ['[ $1 != stop ] || exit 5', 1],
};
for (const [name, [script, count]] of Object.entries(stops)) {
  test(`puppet unit: unloaded when ${name}`, async (t) => {
    const { systemd, asked } = await systemctl(
      t,
      `echo "$1" >>"$0.calls"\n${script}\necho MainPID=0`,
    );
    await launchedIn('mm-puppet-x.service', systemd);
    const want = ['show', ...Array.from({ length: count }, () => 'stop'), 'reset-failed'];
    assert.deepEqual(await asked(), want);
  });
}

test('puppet unit: it has started when only the answer of systemd-run was lost', async (t) => {
  const directory = await temporaryDirectory(t);
  const command = {
    ...{ path: '/bin/true', arguments: [], environment: {} },
    output: { path: '/dev/null', fd: 1 },
  };
  const start = async (state: string) => {
    const { systemd } = await systemctl(t, `echo LoadState=${state}`);
    const environmentFile = join(directory, state);
    const unit = { name: 'mm-puppet-x.service', limitSeconds: 60, environmentFile };
    await launchInUnit(command, unit, systemd);
  };
  await start('loaded');
  await assert.rejects(start('not-found'), /bin\/false/);
});

test('puppet unit: the environment is in no argument, and its file is gone when Puppet starts', async (t) => {
  const file = join(await temporaryDirectory(t), 'environment.sh');
  const environment = {
    TOKEN: `s3cret 'quoted' "$HOME" \\ \n#end`,
    PATH: process.env['PATH'] ?? '',
  };
  const words = hidingEnvironment(
    {
      path: process.execPath,
      arguments: [
        '-p',
        'JSON.stringify([process.env.TOKEN, process.argv.slice(1)])',
        '--',
        '$x',
        'a b',
      ],
      environment,
      output: { path: '/dev/null', fd: 1 },
    },
    file,
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(words.join(' '), /s3cret/);
  const [path = '', ...argv] = words;
  const stdout = execFileSync(path, argv, { env: {}, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), [environment.TOKEN, ['$x', 'a b']]);
  assert.ok(!existsSync(file));
});

test('hook unit: ends with everything in it, leaves no failed unit, and reads the facts from a file', async (t) => {
  const environmentFile = join(await temporaryDirectory(t), 'environment.sh');
  const command = {
    ...{ path: '/etc/miyamoto/hooks.d/post-run/x', arguments: [], environment: { MM_LOG: 'x' } },
    output: { path: '/run/miyamoto/hooks/output', fd: 1 },
  };
  const unit = { name: 'mm-hook-x.service', limitSeconds: 70, environmentFile };
  const ofHook = unitArguments(command, { ...unit, input: '/run/miyamoto/hooks/input.json' });
  for (const property of [
    'KillMode=control-group',
    'CollectMode=inactive-or-failed',
    'RuntimeMaxSec=70',
    'StandardInput=file:/run/miyamoto/hooks/input.json',
    'StandardOutput=file:/run/miyamoto/hooks/output',
  ])
    assert.ok(ofHook.includes(property), property);
  assert.equal(ofHook.at(-1), command.path);
  await rm(environmentFile);
  const ofPuppet = unitArguments(command, unit);
  assert.ok(ofPuppet.includes('KillMode=process') && !ofPuppet.join().includes('StandardInput='));
});
