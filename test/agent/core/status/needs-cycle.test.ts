import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostState, NO_STATE } from '../../../../agent/core/state.ts';
import { needsCycle } from '../../../../agent/core/status/needs-cycle.ts';
import { meaningfulDigest } from '../../../../agent/core/status/status.ts';
import { sampleStatus } from '../../../support/status-sample.ts';

const NOW = Date.parse('2026-11-23T10:30:00.000Z');
const SHA = sampleStatus.release?.sha256 ?? '';
const settled: HostState = {
  ...NO_STATE,
  status: sampleStatus,
  lastRunRelease: SHA,
  earliestExpiry: '2026-12-05T00:00:00.000Z',
  uploaded: { at: '2026-11-23T10:00:00.000Z', digest: meaningfulDigest(sampleStatus) },
};
const trust = sampleStatus.trust;
const withTrust = (state: string, code: string): HostState => {
  const status = { ...sampleStatus, trust: { ...trust, state, error: { code, message: '' } } };
  return {
    ...settled,
    status,
    uploaded: { at: '2026-11-23T10:00:00.000Z', digest: meaningfulDigest(status) },
  };
};

const cases: Record<string, { state: HostState; want: RegExp | undefined }> = {
  'a settled host has nothing to do': { state: settled, want: undefined },
  'a fresh host': { state: NO_STATE, want: /no status/ },
  'the bucket answers after an error': {
    state: withTrust('unreachable', 'S3_UNREACHABLE'),
    want: /answers again/,
  },
  'metadata expired since the last cycle': {
    state: { ...settled, earliestExpiry: '2026-11-23T10:30:00.000Z' },
    want: /expired/,
  },
  'an expiry that was reported': {
    state: {
      ...withTrust('metadata-expired:timestamp', 'METADATA_EXPIRED'),
      earliestExpiry: '2026-11-23T10:30:00.000Z',
    },
    want: undefined,
  },
  'a failed run is due again': {
    state: {
      ...settled,
      retry: { release: SHA, failed: 2, of: 5, at: '2026-11-23T10:30:00.000Z' },
    },
    want: /try 2 of 5/,
  },
  'a failed run is not due yet': {
    state: {
      ...settled,
      retry: { release: SHA, failed: 2, of: 5, at: '2026-11-23T10:30:01.000Z' },
    },
    want: undefined,
  },
  'a run that was cut off': {
    state: { ...settled, lastRunRelease: null },
    want: /has not completed/,
  },
  'a run that a stop forbids': {
    state: { ...settled, lastRunRelease: null, stopped: true },
    want: undefined,
  },
  'a status that could not be sent': { state: { ...settled, uploaded: null }, want: /upload/ },
  'the heartbeat': {
    state: {
      ...settled,
      uploaded: { at: '2026-11-23T09:30:00.000Z', digest: meaningfulDigest(sampleStatus) },
    },
    want: /upload/,
  },
};
for (const [name, { state, want }] of Object.entries(cases)) {
  test(`needs a cycle: ${name}`, () => {
    const why = needsCycle(state, { now: NOW, isWindowOpen: true }, 3600);
    if (want === undefined) assert.equal(why, undefined);
    else assert.match(why ?? '', want);
  });
}
