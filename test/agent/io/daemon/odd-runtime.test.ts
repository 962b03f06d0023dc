import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkDisk } from '../../../../agent/commands/doctor/host-checks.ts';
import { readLocal } from '../../../../agent/commands/show/local-view.ts';
import { NO_STATE } from '../../../../agent/core/state.ts';
import { systemClock as clock } from '../../../../agent/io/clock.ts';
import { daemonNotes, plannedBefore } from '../../../../agent/io/daemon/daemon-notes.ts';
import {
  acceptRequest,
  readAnswer,
  removeAnswer,
  withAnswer,
  writeRequest,
} from '../../../../agent/io/daemon/run-request.ts';
import { writeRuntimeFile } from '../../../../agent/io/daemon/runtime-file.ts';
import { hostHooks } from '../../../../agent/io/hooks/hooks.ts';
import { acquireCycleLock } from '../../../../agent/io/locks/cycle-lock.ts';
import { claimDaemon, findDaemon } from '../../../../agent/io/locks/daemon-claim.ts';
import { parseOptions } from '../../../../agent/options.ts';
import { type HostPaths, localPaths } from '../../../../agent/paths.ts';
import type { CodedError } from '../../../../shared/coded-error.ts';
import type { Check } from '../../../../shared/doctor/checks.ts';
import { fakeLog } from '../../../support/fake-log.ts';
import { ODD_FILES } from '../../../support/odd-files.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const never = new AbortController().signal;
const REQUEST = { trigger: 'asked', noop: false } as const;

/** What the daemon and the commands do with each file. It must succeed whatever is there. */
const USES: Readonly<Record<string, (paths: HostPaths, root: string) => Promise<unknown>>> = {
  async 'daemon.json'(paths, root) {
    const claim = { options: { argv: [], root }, service: undefined, now: clock.now() };
    assert.equal(await findDaemon(paths), undefined);
    await claimDaemon({ ...claim, paths });
    assert.equal((await findDaemon(paths))?.pid, process.pid);
  },
  async 'last-check'(paths, root) {
    const shown = async () =>
      (await readLocal(parseOptions(['status', '--root', root]), {})).nextPollAt;
    assert.equal(plannedBefore(paths.lastCheck), undefined);
    assert.equal(await shown(), null);
    const notes = daemonNotes(paths.lastCheck, { clock, notifier: { status: () => undefined } });
    notes.planned({ pollAt: 0, applyAt: 0 });
    assert.equal(await shown(), new Date(0).toISOString());
  },
  async 'boot-run'({ bootRun }) {
    writeRuntimeFile(bootRun, 'x');
    assert.equal(readFileSync(bootRun, 'utf8'), 'x');
  },
  async 'request.json'(paths) {
    assert.equal(acceptRequest(paths), undefined);
    const id = writeRequest(paths, REQUEST);
    assert.equal(acceptRequest(paths)?.id, id);
  },
  async 'answer.json'(paths) {
    assert.equal(readAnswer(paths, 'id'), undefined);
    await withAnswer(paths, { ...REQUEST, id: 'id' }, async () => ({ exitCode: 3 }));
    assert.equal(readAnswer(paths, 'id')?.exitCode, 3);
    removeAnswer(paths);
  },
  async hooks(paths) {
    const settings = { hooks: { time_limit: { seconds: 60 }, noop: false } };
    const options = { files: paths.hookFiles, launcher: 'group', log: fakeLog() } as const;
    const hooks = hostHooks(settings as never, paths, options);
    const failures = await hooks.run({ stage: 'post-run', groups: [], run: null } as never, never);
    assert.deepEqual(failures, []);
  },
  lock: acquire,
  'lock.json': acquire,
  async 'lock.freeing'(paths) {
    mkdirSync(paths.lock);
    // No process has that id.
    writeFileSync(`${paths.lock}.json`, JSON.stringify({ pid: 2 ** 31 - 1, started: '1' }));
    await acquire(paths);
  },
};

async function acquire({ lock: path }: HostPaths): Promise<void> {
  await (await acquireCycleLock({ path, waitMs: 0, clock, stop: never })).release();
}

test('odd runtime files: the daemon and its commands go on, whatever is in their place', async (t) => {
  const root = await temporaryDirectory(t);
  const paths = localPaths(root);
  await mkdir(paths.state, { recursive: true });
  await writeFile(paths.stateFile, JSON.stringify({ ...NO_STATE, status: sampleStatus }));
  await mkdir(join(paths.hooks, 'post-run'), { recursive: true });
  await writeFile(join(paths.hooks, 'post-run/ok'), '#!/bin/sh\n', { mode: 0o755 });
  for (const [file, use] of Object.entries(USES)) {
    for (const [name, make] of Object.entries(ODD_FILES)) {
      await mkdir(paths.runtime, { recursive: true });
      make(join(paths.runtime, file));
      await use(paths, root).catch((error: Error) => {
        assert.fail(`${file} is ${name}: ${error.stack}`);
      });
      await rm(paths.runtime, { recursive: true });
    }
  }
});

test('odd runtime files: what is in the place of their directory is named', async (t) => {
  const root = await temporaryDirectory(t);
  const paths = localPaths(root);
  await mkdir(dirname(paths.runtime), { recursive: true });
  for (const [name, make] of Object.entries(ODD_FILES)) {
    if (name.startsWith('a directory')) continue;
    make(paths.runtime);
    await assert.rejects(acquire(paths), (error: CodedError) => {
      assert.equal(error.code, 'FILE_FAILED', name);
      assert.match(String(error.next), new RegExp(`^ls -ld ${paths.runtime}`), name);
      return true;
    });
    const checks: Check[] = [];
    await checkDisk(checks, paths);
    assert.equal(checks[1]?.outcome, 'failed', `doctor: ${name}`);
    await rm(paths.runtime);
  }
});
