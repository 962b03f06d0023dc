import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import type { Context } from '../../../../operator/context.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FACTS = { os: { name: 'Ubuntu', release: { major: '24.04' } } };

function put(lab: OperatorLab, certname: string, status: Partial<StatusDocument>): void {
  const document = JSON.stringify({ ...sampleStatus, certname, ...status });
  lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, document);
}

function putFacts(lab: OperatorLab, certname: string, facts: unknown): void {
  const document = { schemaVersion: 1, certname, digest: 'f'.repeat(64), facts };
  lab.server.put(
    BUCKET,
    `ubuntu/status/facts/${certname}.json`,
    JSON.stringify({ ...document, writtenAt: sampleStatus.writtenAt }),
  );
}

/** `a` is healthy, `b` fails, `c` is in another environment and announces a report each 14 days. */
async function fleet(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  put(lab, 'a', {});
  const message = 'no space left';
  const failure = { resource: 'File[/etc/motd]', message, file: null, line: null };
  put(lab, 'b', { run: { ...sampleRun, status: 'failed', failedResources: [failure] } });
  const nextExpectedAt = '2126-11-23T10:00:00.000Z';
  put(lab, 'c', {
    environment: 'testing',
    run: null,
    times: { ...sampleStatus.times, nextExpectedAt },
  });
  putFacts(lab, 'a', FACTS);
  putFacts(lab, 'b', { os: { name: 'Debian', release: { major: '13' } } });
  return lab;
}

interface Row {
  readonly args: readonly string[];
  /** Time since the hosts reported. */
  readonly after?: number;
  readonly listed: readonly string[];
  readonly exitCode?: 1;
}

const ROWS: Readonly<Record<string, Row>> = {
  'all of them': { args: [], listed: ['a', 'b', 'c'] },
  'a field': { args: ['--where', 'environment=testing'], listed: ['c'] },
  'a promoted fact': { args: ['--where', 'os.name=Ubuntu'], listed: ['a', 'b', 'c'] },
  'a fact of the facts document': { args: ['--where', 'os.release.major=24.04'], listed: ['a'] },
  'a host without facts': { args: ['--where', 'os.release.major!=13'], listed: ['a', 'c'] },
  'two conditions': {
    args: ['--where', 'environment=stable', '--where', 'os.release.major=13'],
    listed: ['b'],
  },
  'failed ones': { args: ['--failed'], listed: ['b'] },
  'failed ones of an environment': {
    args: ['--failed', '--where', 'environment=testing'],
    listed: [],
  },
  'a field that no host has now': { args: ['--where', 'disabled.reason=x'], listed: [] },
  'stale as each host announced': { args: ['--stale'], after: 3 * HOUR_MS, listed: ['a', 'b'] },
  'no host announces more than 14 days': {
    args: ['--stale'],
    after: 15 * DAY_MS,
    listed: ['a', 'b', 'c'],
  },
  'stale after an age': { args: ['--stale', '1h'], after: 2 * HOUR_MS, listed: ['a', 'b', 'c'] },
  'not stale yet': { args: ['--stale'], after: HOUR_MS, listed: [] },
  'older than': { args: ['--older-than', '2d'], after: 3 * DAY_MS, listed: ['a', 'b', 'c'] },
  'not older than': { args: ['--older-than', '4d'], after: 3 * DAY_MS, listed: [] },
  'a gate that fails': { args: ['--fail-over', '10%'], listed: ['a', 'b', 'c'], exitCode: 1 },
  'a gate that passes': { args: ['--fail-over', '1'], listed: ['a', 'b', 'c'] },
  'a gate for failed ones': {
    args: ['--failed', '--fail-over', '0'],
    listed: ['b'],
    exitCode: 1,
  },
  'a gate for one environment': {
    args: ['--fail-over', '0', '--where', 'environment=testing'],
    listed: ['c'],
  },
  'a gate without a host': {
    args: ['--fail-over', '100%', '--where', 'environment=x'],
    listed: [],
    exitCode: 1,
  },
};

test('status: conditions, options and gates', async (t) => {
  const lab = await fleet(t);
  for (const [name, { args, after = 0, listed, exitCode = 0 }] of Object.entries(ROWS)) {
    const more: Partial<Context> = { now: () => Date.now() + after };
    const done = await lab.mm(['status', ...args, '--json'], more);
    const { hosts, summary } = StatusListAnswer.parse(done.json);
    assert.deepEqual(
      hosts.map(({ certname }) => certname),
      listed,
      name,
    );
    assert.equal(done.exitCode, exitCode, name);
    assert.equal(summary.hosts, 3, name);
    const text = await lab.mm(['status', ...args], more);
    assert.equal(text.exitCode, exitCode, name);
    assert.equal(text.stdout.trimEnd().split('\n').length, Math.max(1, listed.length + 1), name);
  }
});

const WRONG = {
  'a part of the status that is no value': {
    args: ['--where', 'run!=failed'],
    next: /run\.status/,
  },
  'a field that no host has': { args: ['--where', 'run.statos=failed'], next: /run\.status/ },
  'a fact that no host has': {
    args: ['--where', 'os.relase.major=13'],
    next: /os\.release\.major/,
  },
  'a field that no host has, and all differ': {
    args: ['--where', 'enviroment!=x'],
    next: /environment/,
  },
  'no operator': { args: ['--where', 'environment'], next: /=/ },
  'an age': { args: ['--older-than', 'x'], next: undefined },
  'a share': { args: ['--fail-over', '101%'], next: /--fail-over/ },
  'an option of the list, with one host': { args: ['a', '--failed'], next: undefined },
} as const;

test('status: wrong conditions, ages and shares are USAGE', async (t) => {
  const lab = await fleet(t);
  for (const [name, { args, next }] of Object.entries(WRONG)) {
    const { exitCode, json, stderr } = await lab.mm(['status', ...args, '--json']);
    assert.equal(exitCode, 2, `${name}: ${stderr}`);
    if (next === undefined) continue;
    // The field `error` of the list, when entries were printed before.
    const { code, next: told } = ErrorAnswer.parse({ schemaVersion: 1, error: json.error }).error;
    assert.equal(code, 'USAGE', name);
    assert.match(told ?? '', next, name);
  }
});

test('status: a mistyped certname gets the one that was meant', async (t) => {
  const lab = await initialized(t);
  put(lab, 'web1.example.com', {});
  const { json } = await lab.mm(['status', 'web1.exampel.com', '--json']);
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'S3_NOT_FOUND');
  assert.match(next ?? '', /web1\.example\.com/);
});

test('status: objects that cannot be used are counted, named and skipped', async (t) => {
  const lab = await initialized(t);
  const key = (name: string) => `ubuntu/status/hosts/${name}`;
  put(lab, 'good', {});
  lab.server.put(BUCKET, key('broken.json'), '{');
  lab.server.put(BUCKET, key('huge.json'), ' '.repeat(300_000));
  lab.server.put(BUCKET, key('newer.json'), JSON.stringify({ ...sampleStatus, schemaVersion: 2 }));
  lab.server.put(BUCKET, key('own-key.json'), JSON.stringify(sampleStatus));
  lab.server.put(BUCKET, key('no certname\u001b[2J'), '');
  const faulty = { kind: 'status', status: 400, code: 'InvalidRequest' } as const;
  lab.server.faults.add({ ...faulty, match: { key: key('own-key.json') } });
  lab.server.requests.length = 0;
  const done = await lab.mm(['status', '--where', 'environment=stable', '--json']);
  const { hosts, summary } = StatusListAnswer.parse(done.json);
  assert.equal(done.exitCode, 0);
  assert.deepEqual(
    hosts.map(({ certname }) => certname),
    ['good'],
  );
  assert.equal(summary.unreadable.total, 5);
  assert.deepEqual(
    Object.fromEntries(summary.unreadable.first.map(({ certname, kind }) => [certname, kind])),
    {
      broken: 'invalid',
      huge: 'too-large',
      newer: 'newer',
      'own-key': 'refused',
      'no certname [2J': 'foreign',
    },
  );
  const asked = lab.server.requests.map((request) => request.key);
  assert.ok(!asked.includes(key('huge.json')), 'its size is known from the listing');
  const { stderr } = await lab.mm(['status', '--failed']);
  assert.match(stderr, /newer is left out/);
  for (const selection of [[], ['--failed'], ['--where', 'environment=stable']]) {
    for (const [share, exitCode] of Object.entries({ 4: 1, 5: 0, '83%': 1, '84%': 0 })) {
      const judged = await lab.mm(['status', ...selection, '--fail-over', share, '--json']);
      assert.equal(judged.exitCode, exitCode, `they are bad hosts: ${selection} ${share}`);
    }
  }
  const none = await lab.mm(['status', '--where', 'environment=x', '--fail-over', '100%']);
  assert.equal(none.exitCode, 1, 'no host that can be read meets the condition');
});

test('status: a bucket that cannot be read ends the list, and the JSON stays valid', async (t) => {
  const lab = await initialized(t);
  for (const certname of Array.from({ length: 80 }, (_, n) => `h${n + 100}`))
    put(lab, certname, {});
  const gone = { kind: 'status', status: 403, code: 'InvalidAccessKeyId' } as const;
  lab.server.faults.add({ ...gone, match: { key: 'ubuntu/status/hosts/h170.json' } });
  const { exitCode, json } = await lab.mm(['status', '--json']);
  assert.equal(exitCode, 1);
  assert.equal(json.hosts.length, 70);
  assert.equal(json.error.code, 'S3_CREDENTIALS_REJECTED');
  lab.server.faults.clear();
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { key: /hosts.h/ } });
  const refused = await lab.mm(['status', '--json']);
  assert.equal(refused.json.error.code, 'S3_ACCESS_DENIED', 'not a list of broken hosts');
});

test('status: lines fit the terminal, and the columns do not move with the hosts', async (t) => {
  const lab = await fleet(t);
  put(lab, `long.${'x'.repeat(150)}`, {});
  const { stdout } = await lab.mm(['status'], { columns: 60 });
  for (const line of stdout.split('\n')) assert.ok(line.length <= 60, line);
  const { stdout: piped } = await lab.mm(['status']);
  assert.match(piped, /^b +failed .*File\[\/etc\/motd\]: no space left$/m);
});

test('status: a certname that is a name of JavaScript is one of many', async (t) => {
  const lab = await initialized(t);
  const hostId = 'a'.repeat(16);
  for (const certname of ['__proto__', 'constructor']) put(lab, certname, { hostId });
  for (const _ of [1, 2]) {
    const { exitCode, stderr } = await lab.mm(['status']);
    assert.equal(exitCode, 0, stderr);
  }
});
