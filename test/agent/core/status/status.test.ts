import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  areFactsDue,
  isUploadDue,
  meaningfulDigest,
  type News,
  nextStatus,
} from '../../../../agent/core/status/status.ts';
import { StatusDocument } from '../../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const NOW = Date.parse('2026-11-23T11:00:00.000Z');
const identity = {
  certname: 'web1.example.com',
  tree: 'ubuntu',
  environment: 'stable',
  groups: ['canary'],
  agentVersion: '0.1.0',
  nodeVersion: '24.21.0',
};
const quiet: News = {
  now: NOW,
  heartbeatSeconds: 3600,
  disabled: null,
  release: sampleStatus.release,
  offered: null,
  vitals: null,
  checked: true,
  downloaded: false,
  activated: false,
};

test('status: what a cycle did not touch stays as it was', () => {
  const next = nextStatus(sampleStatus, identity, quiet);
  assert.deepEqual(next.run, sampleStatus.run);
  assert.deepEqual(next.facts, sampleStatus.facts);
  assert.deepEqual(next.trust, sampleStatus.trust);
  assert.equal(next.times.lastCheckAt, '2026-11-23T11:00:00.000Z');
  assert.equal(next.times.lastRunAt, sampleStatus.times.lastRunAt);
  assert.equal(next.times.nextExpectedAt, '2026-11-23T13:00:00.000Z');
});

test('status: the first one of a host is a valid document', () => {
  const first = nextStatus(null, identity, { ...quiet, release: null, checked: false });
  assert.equal(StatusDocument.parse(JSON.parse(JSON.stringify(first))).run, null);
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
  'a failed one is not': { status: 'failed', lastSuccess: false, offline: { runs: 1, skipped: 0 } },
  'a skipped one is no run': {
    status: 'skipped',
    lastSuccess: false,
    offline: { runs: 0, skipped: 1 },
  },
} as const;
for (const [name, want] of Object.entries(runs)) {
  test(`status: ${name}`, () => {
    const run = { ...sampleRun, status: want.status, startedAt: '2026-11-23T10:59:00.000Z' };
    const next = nextStatus(sampleStatus, identity, { ...quiet, run });
    const isRun = want.status !== 'skipped';
    assert.equal(next.times.lastRunAt, isRun ? run.startedAt : sampleStatus.times.lastRunAt);
    assert.equal(
      next.times.lastSuccessAt,
      want.lastSuccess ? '2026-11-23T11:00:00.000Z' : sampleStatus.times.lastSuccessAt,
    );
    assert.deepEqual(next.offline, want.offline);
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

test('upload: each changing run is worth one, though it says the same', () => {
  const changed = { ...sampleRun, status: 'changed' as const };
  assert.notEqual(
    meaningfulDigest({ ...sampleStatus, run: changed }),
    meaningfulDigest({ ...sampleStatus, run: { ...changed, id: 'next' } }),
  );
});

test('upload: at the first time, on change, at the heartbeat, and after a clock that was set back', () => {
  const at = (iso: string) => ({ at: iso, digest });
  assert.equal(isUploadDue(digest, null, NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2026-11-23T10:30:00.000Z'), NOW, 3600), false);
  assert.equal(isUploadDue('other', at('2026-11-23T10:30:00.000Z'), NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2026-11-23T10:00:00.000Z'), NOW, 3600), true);
  assert.equal(isUploadDue(digest, at('2027-11-23T10:00:00.000Z'), NOW, 3600), true);
  assert.equal(areFactsDue(digest, at('2026-11-22T11:00:01.000Z'), NOW), false);
  assert.equal(areFactsDue(digest, at('2026-11-22T11:00:00.000Z'), NOW), true);
});

test('status: slow facts stand until the next run, and are not worth an upload of their own', () => {
  const slowFacts = [{ name: 'inventory.sh', seconds: 12.5 }];
  const slow = nextStatus(sampleStatus, identity, { ...quiet, slowFacts });
  assert.deepEqual(StatusDocument.parse(slow).slowFacts, slowFacts);
  assert.deepEqual(nextStatus(slow, identity, quiet).slowFacts, slowFacts);
  const quick = nextStatus(slow, identity, { ...quiet, slowFacts: [] });
  assert.ok(!('slowFacts' in quick));
  assert.equal(meaningfulDigest(slow), meaningfulDigest(quick));
});
