import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';

/*
 * What the bucket and the exit code say after a Puppet that misbehaves. Each row begins on the host
 * that the row before it has left. test/agent/io/puppet/process/odd-programs.test.ts has more
 * programs, without a bucket.
 */

const SHELL = '#!/bin/sh\n[ "$1" = --version ] && { echo 7.23.0; exit; }\n';

interface Row {
  /** Makes the program. */
  readonly make: (path: string) => Promise<unknown>;
  readonly code: number;
  readonly status: string;
  readonly errorCode?: string;
  readonly error: RegExp;
}

const program =
  (text: string, mode = 0o755) =>
  (path: string) =>
    writeFile(path, text, { mode });
const missing = { code: 1, status: 'failed', errorCode: 'PUPPET_MISSING' };
const notStarted = { code: 1, status: 'failed', errorCode: 'PUPPET_NOT_STARTED' };

const rows: Readonly<Record<string, Row>> = {
  'is gone': { make: async () => undefined, ...missing, error: /not there/ },
  'is not executable': { make: program(SHELL, 0o644), ...missing, error: /not executable/ },
  'is a directory': { make: (path) => mkdir(path), ...missing, error: /no file/ },
  'has no version': { make: program('#!/bin/sh\nexit 1\n'), ...missing, error: /its version/ },
  'is too old': { make: program('#!/bin/sh\necho 6.0.0\n'), ...missing, error: /older than 7/ },
  'is gone when it is started': {
    make: program('#!/bin/sh\necho 7.23.0\nrm "$0"\n'),
    ...notStarted,
    error: /ENOENT/,
  },
  crashes: {
    make: program(`${SHELL}ulimit -c 0; kill -SEGV $$\n`),
    ...{ code: 1, status: 'killed', error: /SIGSEGV, which the agent did not send/ },
  },
  'leaves no report': {
    make: program(`${SHELL}exit 0\n`),
    ...{ code: 1, status: 'failed', error: /exited with 0 and left no report/ },
  },
};

test('odd puppets: each has a status with the reason, and the next cycle works', async (t) => {
  const lab = await agentLab(t);
  const path = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${path}, retry: { times: 0 } }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  assert.equal((await lab.once()).code, 0);
  for (const [name, { make, code, status, errorCode, error }] of Object.entries(rows)) {
    await rm(path, { recursive: true, force: true });
    await make(path);
    const ended = await lab.once();
    const { run, trust } = lab.status();
    assert.deepEqual(
      [ended.code, run?.status, run?.errorCode, trust.error],
      [code, status, errorCode, null],
      `${name}: ${ended.stderr}`,
    );
    assert.match(run?.error ?? '', error, name);
    assert.doesNotMatch(ended.stderr, /\n {4}at /, name);
  }
  await rm(path, { recursive: true, force: true });
  await lab.fakePuppet();
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().run?.status, 'unchanged');
});
