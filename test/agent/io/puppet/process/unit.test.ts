import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { launchedIn } from '../../../../../agent/io/puppet/process/unit.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

/** A systemctl that runs a script and records its arguments. */
async function systemctl(t: TestContext, script: string) {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'systemctl');
  const calls = join(directory, 'calls');
  await writeFile(path, `#!/bin/sh\necho "$1" >>${calls}\n${script}\n`);
  await chmod(path, 0o755);
  return {
    systemd: { systemctl: path, pauseMs: 1 },
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
