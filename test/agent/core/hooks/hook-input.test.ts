import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HookInput, hookEnvironment } from '../../../../agent/core/hooks/hook-input.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const facts: HookInput = {
  schemaVersion: 1,
  stage: 'post-run',
  certname: 'web1.example.com',
  tree: 'ubuntu',
  environment: 'stable',
  groups: [],
  release: sampleStatus.release,
  reason: 'a run was requested',
  noop: false,
  runId: sampleRun.id,
  run: { ...sampleRun, status: 'failed', exitCode: 4, error: 'first\u001b[2J\nsecond' },
  log: '/var/lib/miyamoto/runs/x/puppet.log',
  tries: null,
};

test('hooks: the facts of a run as variables, each of them one clean line', () => {
  const known = hookEnvironment(facts);
  assert.deepEqual(
    [known['MM_STAGE'], known['MM_CERTNAME'], known['MM_ENVIRONMENT'], known['MM_RELEASE']],
    ['post-run', 'web1.example.com', 'stable', '1.4.2'],
  );
  assert.deepEqual(
    [known['MM_OUTCOME'], known['MM_EXIT_CODE'], known['MM_CHANGED'], known['MM_LOG']],
    ['failed', '4', '0', facts.log],
  );
  assert.equal(known['MM_ERROR'], 'first [2J second');
  const long = hookEnvironment({ ...facts, reason: 'x'.repeat(5000) });
  assert.equal(long['MM_REASON']?.length, 500);
});

test('hooks: before the run every variable is set, and those of the run are empty', () => {
  const before = hookEnvironment({ ...facts, run: null, release: null, log: null });
  assert.deepEqual(Object.keys(before), Object.keys(hookEnvironment(facts)));
  for (const name of ['OUTCOME', 'CHANGED', 'FAILED', 'ERROR', 'LOG', 'RELEASE', 'NOOP', 'TRIES'])
    assert.equal(before[`MM_${name}`], '', name);
});
