import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusDocument } from '../../../../bucket/documents/status.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

const put = (lab: OperatorLab, certname: string, body: unknown) =>
  lab.server.put(
    BUCKET,
    `ubuntu/status/hosts/${certname}.json`,
    typeof body === 'string' ? body : JSON.stringify(body),
  );

test('status <certname>: --json prints the document; without it mm prints text', async (t) => {
  const lab = await initialized(t);
  const until = '2026-11-23T14:00:00.000Z';
  const pin = { environment: 'canary', release: null, until, reason: 'a test', by: 'ann' };
  const status = { ...sampleStatus, pin };
  put(lab, sampleStatus.certname, status);
  const { json } = await lab.mm(['status', sampleStatus.certname, '--json']);
  assert.deepEqual(StatusDocument.parse(json), status);
  const { stdout, exitCode } = await lab.mm(['status', sampleStatus.certname]);
  assert.equal(exitCode, 0);
  for (const fact of [
    'web1.example.com',
    '1.4.2',
    'unchanged',
    '107',
    `follows canary until ${until}, a test, by ann`,
  ]) {
    assert.ok(stdout.includes(fact), fact);
  }
});

const evil = '\u001b]0;x\u0007\u009b31m\u202e\u2066\r\n';
test('status: text from a host is cleaned before it reaches the terminal', async (t) => {
  const lab = await initialized(t);
  const resource = `File[/x]${evil}`;
  const run = {
    ...sampleRun,
    reason: evil,
    error: evil,
    errorCode: evil,
    errors: 2,
    problems: [evil],
    failedResources: [{ resource, message: evil, file: evil, line: 1 }],
    changedResources: [resource],
    changedResourcesTotal: 1,
  };
  const release = { ...sampleStatus.release, version: evil };
  const trust = { ...sampleStatus.trust, state: evil, error: { code: evil, message: evil } };
  const disabled = { reason: evil, by: evil, until: null };
  const [since, until] = ['2026-11-23T10:00:00.000Z', '2026-11-24T10:00:00.000Z'];
  const more = {
    extra: evil,
    offered: { version: evil, sha256: 'a'.repeat(64), why: evil },
    window: { opensAt: null, why: evil },
    deferred: { since, until, why: evil },
    pin: { environment: null, release: evil, until, reason: evil, by: evil },
  };
  put(lab, sampleStatus.certname, { ...sampleStatus, run, release, trust, disabled, ...more });
  for (const args of [[], ['--json']]) {
    for (const certname of [[], [sampleStatus.certname]]) {
      const { stdout, exitCode } = await lab.mm(['status', ...certname, ...args]);
      assert.equal(exitCode, 0);
      assert.match(stdout, /^[\n\x20-\x7e]+$/);
    }
  }
});

test('status: the code of a run that was not begun, logged errors and problems', async (t) => {
  const lab = await initialized(t);
  const run = {
    ...sampleRun,
    status: 'failed',
    error: 'a run needs files',
    errorCode: 'FILES_MISSING',
    errors: 3,
    problems: ['cannot read facts'],
  };
  const at = sampleStatus.writtenAt;
  const mark = { version: '1.5.0', sha256: 'b'.repeat(64), outcome: 'failed', runId: 'x', at };
  const values = { resource: 'File[/a]', property: 'mode', previous: '0600', desired: '0644' };
  put(lab, sampleStatus.certname, {
    ...{ ...sampleStatus, run },
    bad: [{ ...mark, exitCode: 4, errors: ['File[/a]: denied\u001b[2J'] }],
    fights: [{ ...values, runs: 3, since: at }],
    hooks: [{ stage: 'post-run', name: 'mail', why: 'ended with exit code 1' }],
  });
  const { stdout } = await lab.mm(['status', sampleStatus.certname]);
  assert.match(stdout, /^bad +1\.5\.0 failed on this host, .*: File\[\/a\]: denied \[2J$/m);
  assert.match(stdout, /^fight +File\[\/a\] mode: from 0600 to 0644, 3 runs in a row$/m);
  assert.match(stdout, /^hook +post-run\/mail ended with exit code 1$/m);
  assert.match(stdout, /^error +FILES_MISSING: a run needs files$/m);
  assert.match(stdout, /^errors +3 in no failed resource$/m);
  assert.match(stdout, /^problem +cannot read facts$/m);
});

const RETRY = { try: 2, of: 5, at: '2026-11-23T10:20:00.000Z' };
const OPENS_AT = '2026-11-23T22:00:00.000Z';
const WINDOW = { opensAt: OPENS_AT, why: 'outside of the window' };
const TIMES = { since: '2026-11-23T10:00:00.000Z', until: '2026-11-24T10:00:00.000Z' };
const PIN = {
  environment: 'canary',
  release: null,
  until: TIMES.until,
  reason: 'a test',
  by: 'ann',
};
const WAITING: Readonly<Record<string, readonly [Partial<StatusDocument>, string, RegExp?]>> = {
  'a retry': [{ retry: RETRY }, 'retry', /try 2 of 5 at 2026-11-23T10:20/],
  'the last retry': [{ retry: { ...RETRY, at: null } }, 'retry', /all 5 tries have failed/],
  'a closed window': [{ window: WINDOW }, 'window', /outside of the window/],
  'a window that has opened': [{ window: { ...WINDOW, opensAt: TIMES.since } }, 'window'],
  'a window that stays closed': [{ window: { ...WINDOW, opensAt: null } }, 'window', /outside/],
  'a deferred run': [{ deferred: { ...TIMES, why: 'on battery' } }, 'deferred', /on battery/],
  'a pin': [{ pin: PIN }, 'pinned', /follows canary until 2026-11-24T10.*, a test, by ann/],
  'nothing of it': [{}, 'deferred'],
};

test('status: what a host waits for is in its lines, in the list and in the JSON', async (t) => {
  const lab = await initialized(t);
  const clock = { now: () => Date.parse(OPENS_AT) - 1000 };
  for (const [name, [status, key, expected]] of Object.entries(WAITING)) {
    put(lab, sampleStatus.certname, { ...sampleStatus, ...status });
    const { stdout } = await lab.mm(['status', sampleStatus.certname], clock);
    const row = new RegExp(`^${key} +(.+)$`, 'm').exec(stdout)?.[1];
    const { json } = await lab.mm(['status', '--json'], clock);
    const [host] = StatusListAnswer.parse(json).hosts;
    const list = (await lab.mm(['status'], clock)).stdout;
    if (expected === undefined) {
      assert.deepEqual([row, host?.[key], /outside/.test(list)], [undefined, null, false], name);
      continue;
    }
    assert.match(row ?? '', expected, name);
    assert.equal(host?.[key], row, name);
    assert.match(list, expected, name);
  }
});

const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
const hostile = {
  'not JSON': 'hello',
  'not UTF-8': '\ud800',
  'another certname': { ...sampleStatus, certname: 'db1.example.com' },
  'a certname with ..': { ...sampleStatus, certname: '../web1.example.com' },
  'another schema': { ...sampleStatus, schemaVersion: 2 },
  'a field missing': { ...sampleStatus, trust: undefined },
  'nested too deep': JSON.stringify(sampleStatus).replace('{', `{"x":${deep},`),
};

for (const [name, body] of Object.entries(hostile)) {
  test(`status: ${name} is STATUS_INVALID and does not hide other hosts`, async (t) => {
    const lab = await initialized(t);
    put(lab, 'web1.example.com', body);
    put(lab, 'web2.example.com', { ...sampleStatus, certname: 'web2.example.com' });
    const one = await lab.mm(['status', 'web1.example.com', '--json']);
    assert.equal(one.exitCode, 1);
    assert.equal(ErrorAnswer.parse(one.json).error.code, 'STATUS_INVALID');
    const { hosts } = StatusListAnswer.parse((await lab.mm(['status', '--json'])).json);
    assert.deepEqual(
      hosts.map(({ certname, run, problem }) => [certname, run, problem === null]),
      [
        ['web1.example.com', null, false],
        ['web2.example.com', 'unchanged', true],
      ],
    );
  });
}

test('status: an object that is too large is refused', async (t) => {
  const lab = await initialized(t);
  put(lab, 'web1.example.com', { ...sampleStatus, padding: 'x'.repeat(300_000) });
  const { json } = await lab.mm(['status', 'web1.example.com', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'S3_TOO_LARGE');
});

test('status: a host without a status and an invalid certname are errors', async (t) => {
  const lab = await initialized(t);
  const unknown = await lab.mm(['status', 'web1.example.com', '--json']);
  assert.equal(ErrorAnswer.parse(unknown.json).error.code, 'S3_NOT_FOUND');
  assert.equal((await lab.mm(['status', '../../x'])).exitCode, 2);
});

test('status: one line for each of many hosts, in order', async (t) => {
  const lab = await initialized(t);
  const names = Array.from({ length: 40 }, (_, n) => `h${String(n).padStart(2, '0')}`);
  for (const certname of names) put(lab, certname, { ...sampleStatus, certname });
  const { stdout } = await lab.mm(['status']);
  const lines = stdout.trim().split('\n').slice(1);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    names,
  );
});

test('status: a host that reports another writer is shown as two machines', async (t) => {
  const lab = await initialized(t);
  const otherWriter = { times: 3, lastAt: '2026-11-23T10:00:00.000Z' };
  put(lab, sampleStatus.certname, { ...sampleStatus, otherWriter });
  for (const certname of [[], [sampleStatus.certname]]) {
    const { stdout } = await lab.mm(['status', ...certname]);
    assert.match(stdout, /two machines: .* 3 times, last 2026-11-23T10:00:00/);
  }
  const { json } = await lab.mm(['status', '--json']);
  assert.match(StatusListAnswer.parse(json).hosts[0]?.shared ?? '', /two machines/);
});

test('status: a host id that changes back and forth is shown, one that changes once is not', async (t) => {
  const lab = await initialized(t);
  const [a, b] = ['a'.repeat(16), 'b'.repeat(16)];
  const shared = async (hostId: string) => {
    put(lab, sampleStatus.certname, { ...sampleStatus, hostId });
    const { json, stdout } = await lab.mm(['status', '--json']);
    const [host] = StatusListAnswer.parse(json).hosts;
    assert.equal(host?.hostId, hostId, stdout);
    return host.shared;
  };
  assert.equal(await shared(a), null);
  assert.equal(await shared(b), null);
  assert.equal(await shared(b), null);
  assert.match((await shared(a)) ?? '', /changes back and forth/);
  assert.match(
    (await lab.mm(['status'])).stdout,
    /two machines: the host id changes back and forth/,
  );
});
