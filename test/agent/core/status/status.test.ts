import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Findings } from '../../../../agent/core/findings.ts';
import { NO_STATE } from '../../../../agent/core/state.ts';
import {
  areFactsDue,
  isUploadDue,
  meaningfulDigest,
  nextStatus,
} from '../../../../agent/core/status/status.ts';
import { OPEN } from '../../../../agent/core/when/apply-window.ts';
import type { OfferedRelease } from '../../../../bucket/documents/release.ts';
import { StatusDocument } from '../../../../bucket/documents/status.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const NOW = Date.parse('2026-11-23T11:00:00.000Z');
const identity = {
  certname: 'web1.example.com',
  tree: 'ubuntu',
  environment: 'stable',
  groups: ['canary'],
  hostId: '0123456789abcdef',
  agentVersion: '0.1.0',
  nodeVersion: '24.21.0',
};
const quiet: Findings = {
  state: NO_STATE,
  active: sampleStatus.release,
  disabled: null,
  refresh: {
    kind: 'verified',
    offeredBy: '7.env-stable.json',
    offer: { kind: 'nothing' },
    release: undefined,
    trust: sampleStatus.trust,
    etag: { environment: 'stable', value: '"1"' },
  },
  install: undefined,
  run: undefined,
};
const context = { now: NOW, heartbeatSeconds: 3600, vitals: null, window: OPEN };
const next = (last: StatusDocument | null, found: Partial<Findings> = {}): StatusDocument =>
  nextStatus(last, identity, { ...quiet, ...found }, context);

test('status: fields that a cycle did not change stay as they were', () => {
  const status = next(sampleStatus);
  assert.deepEqual(status.run, sampleStatus.run);
  assert.deepEqual(status.facts, sampleStatus.facts);
  assert.deepEqual(status.trust, sampleStatus.trust);
  assert.deepEqual(next(sampleStatus, { refresh: undefined }).trust, sampleStatus.trust);
  assert.equal(status.times.lastCheckAt, '2026-11-23T11:00:00.000Z');
  assert.equal(status.times.lastRunAt, sampleStatus.times.lastRunAt);
  assert.equal(status.times.nextExpectedAt, '2026-11-23T13:00:00.000Z');
});

test('status: the first one of a host is a valid document', () => {
  const first = next(null, { active: null, refresh: undefined });
  assert.equal(StatusDocument.parse(JSON.parse(JSON.stringify(first))).run, null);
});

test('status: after the last try it says so, and counts no try that there is not', () => {
  const release = sampleStatus.release?.sha256 ?? '';
  const tries = { 'the last one is to come': [5, 5], 'all have failed': [6, 5] } as const;
  for (const [name, [failed, wanted]] of Object.entries(tries)) {
    const state = { ...NO_STATE, retry: { release, failed, of: 5, at: null } };
    assert.deepEqual(next(null, { state }).retry, { try: wanted, of: 5, at: null }, name);
  }
});

const RELEASE: OfferedRelease = {
  sha256: 'd'.repeat(64),
  length: 1,
  custom: {
    schema: 1,
    version: '1.5.0',
    release: '20261123T103000Z-dddddddddddd',
    commit: null,
    created: '2026-11-23T10:30:00.000Z',
    by: 'ci',
    reason: '',
    hold: false,
    stop: false,
    minAgent: null,
  },
};
const offered = { kind: 'offered', sha256: RELEASE.sha256, version: '1.5.0' } as const;
const refresh = { ...quiet.refresh!, offer: offered, release: RELEASE } as Findings['refresh'];

test('status: a release that could not be installed is named, with the error', () => {
  const error = new CodedError('not the signed bytes', { code: 'BLOB_MISMATCH' });
  const install = { kind: 'failed', error, downloaded: true } as const;
  const status = next(sampleStatus, { refresh, install });
  assert.deepEqual(status.offered, {
    version: '1.5.0',
    sha256: RELEASE.sha256,
    why: 'not installed: BLOB_MISMATCH',
  });
  assert.deepEqual(status.trust.error, { code: 'BLOB_MISMATCH', message: 'not the signed bytes' });
  assert.equal(status.times.lastDownloadAt, status.writtenAt);
  assert.equal(status.times.lastActivationAt, sampleStatus.times.lastActivationAt);
});

test('status: an installed release is no longer offered', () => {
  const active = { ...sampleStatus.release!, sha256: RELEASE.sha256 };
  const install = { kind: 'installed', downloaded: false } as const;
  const status = next(sampleStatus, { refresh, install, active });
  assert.equal(status.offered, null);
  assert.equal(status.times.lastDownloadAt, sampleStatus.times.lastDownloadAt);
  assert.equal(status.times.lastActivationAt, status.writtenAt);
});

const runs = {
  'a good run is a success': {
    status: 'unchanged',
    lastSuccess: true,
    offline: { runs: 1, skipped: 0 },
  },
  'a noop run with pending changes is one too': {
    status: 'pending',
    lastSuccess: true,
    offline: { runs: 1, skipped: 0 },
  },
  'a failed one is not': {
    status: 'failed',
    lastSuccess: false,
    offline: { runs: 1, skipped: 0, failed: 1 },
  },
  'a skipped one is no run': {
    status: 'skipped',
    lastSuccess: false,
    offline: { runs: 0, skipped: 1 },
  },
} as const;
for (const [name, want] of Object.entries(runs)) {
  test(`status: ${name}`, () => {
    const run = { ...sampleRun, status: want.status, startedAt: '2026-11-23T10:59:00.000Z' };
    const status = next(sampleStatus, { run: { summary: run } });
    const isRun = want.status !== 'skipped';
    assert.equal(status.times.lastRunAt, isRun ? run.startedAt : sampleStatus.times.lastRunAt);
    assert.equal(
      status.times.lastSuccessAt,
      want.lastSuccess ? '2026-11-23T11:00:00.000Z' : sampleStatus.times.lastSuccessAt,
    );
    assert.deepEqual(status.offline, want.offline);
  });
}

const same: Record<string, Partial<StatusDocument>> = {
  'times and vitals': { vitals: null, writtenAt: '2026-11-24T00:00:00.000Z' },
  'another run that changed nothing': {
    run: { ...sampleRun, id: 'other', durationSeconds: 9, startedAt: '2026-11-23T10:30:00.000Z' },
  },
  'runs done while offline': { offline: { runs: 3, skipped: 0 } },
  'a day less to expiry': { trust: { ...sampleStatus.trust, daysToExpiry: { root: 299 } } },
};
const different: Record<string, Partial<StatusDocument>> = {
  'a run that failed': { run: { ...sampleRun, status: 'failed' } },
  'a run that changed something': { run: { ...sampleRun, status: 'changed' } },
  'errors that were logged': { run: { ...sampleRun, errors: 1 } },
  'a problem with the facts': { run: { ...sampleRun, problems: ['a'] } },
  'another release': { release: null },
  'an error of trust': {
    trust: { ...sampleStatus.trust, state: 'error', error: { code: 'BLOB_MISMATCH', message: '' } },
  },
  'a fact': { factsDigest: 'e'.repeat(64) },
  'a disable': { disabled: { reason: 'x', by: null, until: null } },
};
const digest = meaningfulDigest(sampleStatus);
for (const [name, change] of Object.entries(same)) {
  test(`upload: ${name} is not worth one`, () => {
    assert.equal(meaningfulDigest({ ...sampleStatus, ...change }), digest);
  });
}
for (const [name, change] of Object.entries(different)) {
  test(`upload: ${name} is worth one`, () => {
    assert.notEqual(meaningfulDigest({ ...sampleStatus, ...change }), digest);
  });
}

test('upload: each changing run is worth one, even with the same status', () => {
  const changed = { ...sampleRun, status: 'changed' as const };
  assert.notEqual(
    meaningfulDigest({ ...sampleStatus, run: changed }),
    meaningfulDigest({ ...sampleStatus, run: { ...changed, id: 'next' } }),
  );
});

test('upload: the first time, on a change, at the heartbeat, and after the clock was set back', () => {
  const at = (iso: string) => ({ at: iso, digest });
  assert.equal(isUploadDue(digest, null, NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2026-11-23T10:30:00.000Z'), NOW, 3600), false);
  assert.equal(isUploadDue('other', at('2026-11-23T10:30:00.000Z'), NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2026-11-23T10:00:00.000Z'), NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2027-11-23T10:00:00.000Z'), NOW, 3600), true);
  assert.equal(areFactsDue(digest, at('2026-11-22T11:00:01.000Z'), NOW), false);
  assert.equal(areFactsDue(digest, at('2026-11-22T11:00:00.000Z'), NOW), true);
});

test('status: slow facts stay until the next run, and do not cause an upload', () => {
  const slowFacts = [{ name: 'inventory.sh', seconds: 12.5 }];
  const slow = next(sampleStatus, { run: { summary: sampleRun, slowFacts } });
  assert.deepEqual(StatusDocument.parse(slow).slowFacts, slowFacts);
  assert.deepEqual(next(slow).slowFacts, slowFacts);
  const quick = next(slow, { run: { summary: sampleRun, slowFacts: [] } });
  assert.ok(!('slowFacts' in quick));
  assert.equal(meaningfulDigest(slow), meaningfulDigest(quick));
});
