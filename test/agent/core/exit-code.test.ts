import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../agent/core/decide.ts';
import { cycleExitCode, errorExitCode } from '../../../agent/core/exit-code.ts';
import type { ErrorCode } from '../../../shared/coded-error.ts';
import { sampleRun } from '../../support/status-sample.ts';

const skipped = (why: Decision['skipped']): Decision => ({
  install: false,
  run: 'no',
  why: '',
  skipped: why,
});
const cases: Record<string, { why: Decision['skipped']; errorCode?: ErrorCode; want: number }> = {
  disabled: { why: 'disabled', want: 10 },
  'stopped by the publisher': { why: 'stopped', want: 10 },
  'expired, and on_expired is stop': { why: 'expired', errorCode: 'METADATA_EXPIRED', want: 23 },
  'nothing published': { why: 'no-release', want: 21 },
  'bucket not reached, nothing here': { why: 'no-release', errorCode: 'S3_UNREACHABLE', want: 22 },
  'release not trusted, nothing here': {
    why: 'no-release',
    errorCode: 'METADATA_UNSIGNED',
    want: 23,
  },
  'a proxy that cannot be used, nothing here': {
    why: 'no-release',
    errorCode: 'CONFIG_INVALID',
    want: 20,
  },
  'tampered blob, nothing here': { why: 'no-release', errorCode: 'BLOB_MISMATCH', want: 23 },
};
for (const [name, { why, errorCode, want }] of Object.entries(cases)) {
  test(`exit code: ${name}`, () => {
    const end = { decision: skipped(why), run: undefined, errorCode };
    assert.equal(cycleExitCode(end, { detailed: true }), want);
  });
}

test('exit code: after a run, the result of Puppet wins over an unreachable bucket', () => {
  const decision: Decision = { install: false, run: 'run', why: '', skipped: undefined };
  const end = { decision, errorCode: 'S3_UNREACHABLE' as const };
  const changed = { ...sampleRun, status: 'changed' as const };
  assert.equal(cycleExitCode({ ...end, run: changed }, { detailed: true }), 2);
  assert.equal(cycleExitCode({ ...end, run: changed }, { detailed: false }), 0);
});

test('exit code: errors before a cycle', () => {
  assert.equal(errorExitCode('LOCKED'), 11);
  assert.equal(errorExitCode('CONFIG_INVALID'), 20);
  assert.equal(errorExitCode('ROOT_MISSING'), 20);
  assert.equal(errorExitCode('USAGE'), 20);
});
