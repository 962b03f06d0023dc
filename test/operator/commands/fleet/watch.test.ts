import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runOnChange } from '../../../../operator/commands/fleet/on-change.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { waitUntil } from '../../../support/wait-until.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

const KEY = (certname: string) => `ubuntu/status/hosts/${certname}.json`;
const failure = { resource: 'File[/etc/motd]', message: 'no space left', file: 'a.pp', line: 3 };

function put(lab: OperatorLab, certname: string, run: object = {}): void {
  const status = { ...sampleStatus, certname, run: { ...sampleRun, ...run } };
  lab.server.put(BUCKET, KEY(certname), JSON.stringify(status));
}

/** What happens before each further copy. The watch ends after the last one. */
function rounds(steps: readonly (() => void)[]): () => Promise<boolean> {
  const left = [...steps];
  return async () => {
    const step = left.shift();
    step?.();
    return step !== undefined;
  };
}

test('fleet status --watch: names the hosts that changed, and tells a command', async (t) => {
  const lab = await initialized(t);
  for (const certname of ['db1', 'web1', 'web2']) put(lab, certname);
  const file = join(lab.directory, 'changes');
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  const wait = rounds([
    () => put(lab, 'web1', { status: 'failed', failedResources: [failure] }),
    // Both are good ends of a run.
    () => put(lab, 'web2', { status: 'changed', exitCode: 2 }),
    () => lab.server.faults.add({ ...denied, match: { query: /list-type/ } }),
    () => {
      lab.server.faults.clear();
      put(lab, 'web1');
      put(lab, 'new');
      lab.server.delete(BUCKET, KEY('db1'));
    },
  ]);
  const args = ['--watch', '30s', '--on-change', `cat >> ${file}; exit 3`];
  const env = { PATH: process.env['PATH'] };
  const { exitCode, stdout, stderr } = await lab.mm(['fleet', 'status', ...args], { wait, env });
  assert.equal(exitCode, 0, stderr);
  const told = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).changes);
  const { environment } = sampleStatus;
  const { version } = sampleStatus.release!;
  const about = { environment, version, failure: null };
  assert.deepEqual(told, [
    [
      {
        ...about,
        ...{ certname: 'web1', from: 'ok', to: 'failed' },
        failure: 'failed: File[/etc/motd]: no space left',
      },
    ],
    [
      { certname: 'db1', from: 'ok', to: null, environment: null, version: null, failure: null },
      { ...about, certname: 'new', from: null, to: 'ok' },
      { ...about, certname: 'web1', from: 'failed', to: 'ok' },
    ],
  ]);
  assert.match(stdout, /web1: ok -> failed: failed: File\[\/etc\/motd\]/);
  assert.match(stderr, /--on-change: it ended with exit code 3/);
  assert.match(stderr, /tries again in 30 s/);
});

test('fleet hosts --watch: the list once, then the changes that meet the conditions', async (t) => {
  const lab = await initialized(t);
  for (const certname of ['db1', 'web1', 'web2']) put(lab, certname);
  const wait = rounds([
    () => {
      put(lab, 'web1', { status: 'failed' });
      put(lab, 'db1', { status: 'failed' });
    },
  ]);
  const args = ['fleet', 'hosts', '--on-change', 'true', '--where', 'certname~^web'];
  const { stdout, exitCode } = await lab.mm(args, { wait });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^certname.*\nweb2.*\n\S+Z web1: ok -> failed/s);
  assert.doesNotMatch(stdout, /db1/);
  for (const more of ['--json', '--csv']) {
    assert.equal((await lab.mm([...args, more], { wait })).exitCode, 2, more);
  }
});

test('fleet --on-change: a command that hangs is ended, with what it has started', async (t) => {
  const cwd = await temporaryDirectory(t);
  const document = {
    schemaVersion: 1,
    bucket: 'b',
    tree: 't',
    at: '',
    changes: [],
    total: 0,
  } as const;
  const command = 'sleep 1000 & echo $! > child; sleep 1000';
  const env = { PATH: process.env['PATH'] };
  const problem = await runOnChange(command, document, { cwd, env, limitMs: 5000 });
  assert.match(String(problem), /ended after 5 s/);
  const child = Number(readFileSync(join(cwd, 'child'), 'utf8'));
  await waitUntil(() => !isRunning(child));
});

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
