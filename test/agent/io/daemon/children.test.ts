import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from '../../../../agent/config/config.ts';
import { runCycleChild } from '../../../../agent/io/daemon/cycle-child.ts';
import { readSettings } from '../../../../agent/io/daemon/settings-child.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** The command that this process would start as another copy of itself. */
function become(t: TestContext, path: string): void {
  const { execPath } = process;
  t.after(() => {
    process.execPath = execPath;
  });
  process.execPath = path;
}

test('children of the daemon: a cycle that cannot be started rejects', async (t) => {
  become(t, '/nonexistent/node');
  const cycle = runCycleChild({
    trigger: 'apply',
    prefetched: undefined,
    config: Config.parse({ bucket: 'fleet.example.com', tree: 'ubuntu' }),
    passedOn: [],
    limitMs: 60_000,
    stop: new AbortController().signal,
  });
  await assert.rejects(cycle, { code: 'ENOENT' });
});

test('children of the daemon: one that hangs while it reads the configuration is killed', async (t) => {
  const path = join(await temporaryDirectory(t), 'node');
  await writeFile(path, "#!/bin/sh\ntrap '' TERM\nexec sleep 600\n");
  await chmod(path, 0o755);
  become(t, path);
  await assert.rejects(readSettings([], 100), { signal: 'SIGKILL' });
});
