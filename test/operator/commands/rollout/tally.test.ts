import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OfferedRelease } from '../../../../bucket/documents/release.ts';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { type Progress, progressOf } from '../../../../operator/commands/rollout/tally.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { releaseCustom } from '../../../support/tuf/simulator-documents.ts';

const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
const rollout = { salt: 's', bp: 0, groups: ['canary'] };
const current: OfferedRelease = { sha256: OLD, length: 1, custom: releaseCustom('1.0.0') };
const next: OfferedRelease = {
  sha256: NEW,
  length: 1,
  custom: releaseCustom('1.1.0', { rollout }),
};

const on = (sha256: string) => ({ release: { ...sampleStatus.release!, sha256 } });
const ran = (status: 'changed' | 'failed' | 'not-compiled' | 'killed' | 'skipped', more = {}) => ({
  run: { ...sampleRun, status, ...more },
});
const offered = (why: string) => ({ offered: { version: '1.1.0', sha256: NEW, why } });
const NOW = Date.parse(sampleStatus.times.lastRunAt!);

const rows: Record<string, { status: Partial<StatusDocument>; want: Progress }> = {
  'a good run': { status: on(NEW), want: { kind: 'done' } },
  'a run that changed something': {
    status: { ...on(NEW), ...ran('changed') },
    want: { kind: 'done' },
  },
  'a failed resource': {
    status: {
      ...on(NEW),
      ...ran('failed', {
        failedResources: [{ resource: 'File[/x]', message: 'no space', file: null, line: null }],
      }),
    },
    want: { kind: 'failing', why: 'failed: File[/x]: no space' },
  },
  'no catalog': {
    status: { ...on(NEW), ...ran('not-compiled', { error: 'syntax error' }) },
    want: { kind: 'failing', why: 'not-compiled: syntax error' },
  },
  'a run that was killed': {
    status: { ...on(NEW), ...ran('killed') },
    want: { kind: 'failing', why: 'killed' },
  },
  'a failed run of the release before': {
    status: { ...on(NEW), ...ran('failed', { startedAt: '2026-11-23T09:00:00.000Z' }) },
    want: { kind: 'waiting', why: 'it has not run it yet' },
  },
  'a run that was skipped': {
    status: { ...on(NEW), ...ran('skipped', { reason: 'outside the window' }) },
    want: { kind: 'waiting', why: 'outside the window' },
  },
  'a tarball that could not be installed': {
    status: { ...on(OLD), ...offered('not installed: ARCHIVE_UNSAFE') },
    want: { kind: 'failing', why: 'not installed: ARCHIVE_UNSAFE' },
  },
  'not installed yet': {
    status: { ...on(OLD), ...offered('not installed yet') },
    want: { kind: 'waiting', why: 'not installed yet' },
  },
  'an agent that is too old': {
    status: { ...on(OLD), ...offered('the release needs mm-agent 9') },
    want: { kind: 'waiting', why: 'the release needs mm-agent 9' },
  },
  'not polled yet': {
    status: on(OLD),
    want: { kind: 'waiting', why: 'it has not seen it yet' },
  },
  'no release at all': {
    status: { release: null, run: null },
    want: { kind: 'waiting', why: 'it has not seen it yet' },
  },
  disabled: {
    status: { ...on(OLD), disabled: { reason: 'migration', by: null, until: null } },
    want: { kind: 'waiting', why: 'disabled: migration' },
  },
  'silent since before the rollout': {
    status: {
      ...on(OLD),
      times: { ...sampleStatus.times, nextExpectedAt: '2026-11-01T00:00:00Z' },
    },
    want: { kind: 'waiting', why: `silent since ${sampleStatus.writtenAt}` },
  },
  'a host of another group': { status: { ...on(NEW), groups: [] }, want: { kind: 'outside' } },
};

for (const [name, { status, want }] of Object.entries(rows)) {
  test(`rollout progress: ${name} is ${want.kind}`, () => {
    const whole = { ...sampleStatus, ...status };
    const host = { certname: whole.certname, now: NOW };
    assert.deepEqual(progressOf({ current, next }, whole, host), want);
  });
}

test('rollout progress: without a rollout it is about the current release, on all hosts', () => {
  const host = { certname: sampleStatus.certname, now: NOW };
  const slots = { current, next: undefined };
  assert.equal(progressOf(slots, { ...sampleStatus, ...on(OLD), groups: [] }, host).kind, 'done');
  assert.equal(progressOf(slots, { ...sampleStatus, ...on(NEW) }, host).kind, 'waiting');
});
