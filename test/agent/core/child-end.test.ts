import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRun, isUnexplainedEnd } from '../../../agent/core/child-end.ts';
import { skippedRun } from '../../../agent/core/run/run-summary.ts';
import { NO_STATE } from '../../../agent/core/state.ts';
import { StatusDocument } from '../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../support/status-sample.ts';

const sample = StatusDocument.parse(sampleStatus);
const after = (minute: number) => ({
  ...NO_STATE,
  status: { ...sample, run: skippedRun('x', minute * 60_000) },
});

const ends: Record<string, { exitCode: number; ranAt: number; want: boolean }> = {
  'nothing to do': { exitCode: 0, ranAt: 1, want: false },
  'a run that changed and failed': { exitCode: 6, ranAt: 2, want: false },
  'a run that failed, and is in the status': { exitCode: 1, ranAt: 2, want: false },
  'broken off, and not in the status': { exitCode: 1, ranAt: 1, want: true },
  'another cycle was under way': { exitCode: 11, ranAt: 1, want: false },
  'the configuration': { exitCode: 20, ranAt: 1, want: true },
  'no release': { exitCode: 21, ranAt: 2, want: false },
  'no credentials and no release': { exitCode: 22, ranAt: 2, want: false },
  'the time limit': { exitCode: 24, ranAt: 2, want: false },
  'an abort of Node': { exitCode: 134, ranAt: 1, want: true },
};
for (const [name, { exitCode, ranAt, want }] of Object.entries(ends)) {
  test(`end of a child process: ${name}`, () => {
    assert.equal(isUnexplainedEnd(exitCode, after(1), after(ranAt)), want);
  });
}

test('end of a child process: a run was made when there is a new one that was not skipped', () => {
  const ran = { ...NO_STATE, status: sample };
  const failed = {
    ...NO_STATE,
    status: { ...sample, run: { ...sampleRun, id: 'x', status: 'failed' as const } },
  };
  assert.equal(hasRun(undefined, ran), true);
  assert.equal(hasRun(after(1), failed), true);
  assert.equal(hasRun(ran, ran), false);
  assert.equal(hasRun(after(1), after(2)), false);
  assert.equal(hasRun(undefined, undefined), false);
});
