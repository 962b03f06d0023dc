import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHookName, isRequiredHook, stagesAfter } from '../../../../agent/core/hooks/stages.ts';
import type { RunSummary } from '../../../../bucket/documents/status.ts';
import { sampleRun } from '../../../support/status-sample.ts';

const counts = (changed: number, failed: number): RunSummary['resources'] => ({
  ...sampleRun.resources!,
  changed,
  failed,
});

const AFTER: Record<string, { run: Partial<RunSummary>; noop?: boolean; want: string }> = {
  'nothing changed': { run: {}, want: 'post-run' },
  changed: {
    run: { status: 'changed', resources: counts(1, 0) },
    want: 'on-change post-run',
  },
  'changed, and the report is lost': {
    run: { status: 'changed', resources: null },
    want: 'on-change post-run',
  },
  'changed and failed': {
    run: { status: 'failed', resources: counts(2, 1) },
    want: 'on-change on-failure post-run',
  },
  'did not compile': {
    run: { status: 'not-compiled', resources: null },
    want: 'on-failure post-run',
  },
  'was not begun': {
    run: { status: 'failed', resources: null, errorCode: 'FILES_MISSING' },
    want: 'on-failure post-run',
  },
  'its time limit passed': {
    run: { status: 'killed', killedBy: 'time-limit', resources: null },
    want: 'on-failure post-run',
  },
  'the agent was stopped': { run: { status: 'killed', killedBy: 'stopped' }, want: '' },
  skipped: { run: { status: 'skipped' }, want: '' },
  noop: { run: { status: 'pending', noop: true }, want: '' },
  'noop, and hooks.noop': { run: { status: 'pending', noop: true }, noop: true, want: 'post-run' },
};

for (const [name, { run, noop = false, want }] of Object.entries(AFTER)) {
  test(`hooks: after a run: ${name}`, () => {
    assert.equal(stagesAfter({ ...sampleRun, ...run }, { noop }).join(' '), want);
  });
}

test('hooks: names are those of run-parts, and only the word "required" stops a run', () => {
  const required = ['required-x', 'not_required', '10-Required'];
  const names = ['10-mail', 'Mail_2', ...required, 'unrequired', 'requiredness'];
  assert.deepEqual(names.filter(isHookName), names);
  assert.deepEqual(names.filter(isRequiredHook), required);
  for (const name of ['', 'mail.sh', 'mail~', '.mail', 'mail.dpkg-dist', 'a b', 'ä'])
    assert.equal(isHookName(name), false, name);
});
