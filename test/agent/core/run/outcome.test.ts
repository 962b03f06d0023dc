import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runExitCode } from '../../../../agent/core/exit-code.ts';
import { type EndedRun, outcomeOf } from '../../../../agent/core/run/outcome.ts';
import { RunSummary } from '../../../../bucket/documents/status.ts';
import { endedRun, exited, PASSED_LIMIT, puppetReport } from '../../../support/puppet-report.ts';

suite('the status of a run', () => {
  const failed = puppetReport({ status: 'failed' });
  const brokenOff = puppetReport({ status: 'failed', transaction_completed: false });
  const pending = puppetReport({ noop: true, noop_pending: true });
  const table: Record<string, [EndedRun, string]> = {
    'nothing to change': [endedRun(exited(0), { report: puppetReport() }), 'unchanged'],
    'something changed': [
      endedRun(exited(2), { report: puppetReport({ status: 'changed' }) }),
      'changed',
    ],
    'a resource failed': [endedRun(exited(4), { report: failed }), 'failed'],
    'a resource failed and another changed': [endedRun(exited(6), { report: failed }), 'failed'],
    'the report is failed though the code is 0': [
      endedRun(exited(0), { report: failed }),
      'failed',
    ],
    'the code is 4 though the report is not': [
      endedRun(exited(4), { report: puppetReport() }),
      'failed',
    ],
    'code 1 with a report': [endedRun(exited(1), { report: brokenOff }), 'failed'],
    'code 1 and no report': [endedRun(exited(1)), 'not-compiled'],
    'code 1 and a report of an earlier run': [
      endedRun(exited(1), { report: puppetReport({ time: '2026-11-23T14:30:00Z' }) }),
      'not-compiled',
    ],
    'code 1 and no report, because the disk is full': [
      { ...endedRun(exited(1)), diskError: 'DISK_FULL' },
      'failed',
    ],
    'a report on a disk that is full now': [
      {
        ...endedRun(exited(2), { report: puppetReport({ status: 'changed' }) }),
        diskError: 'DISK_FULL',
      },
      'changed',
    ],
    'killed on a full disk': [{ ...endedRun(PASSED_LIMIT), diskError: 'DISK_FULL' }, 'killed'],
    'a setting that Puppet refuses': [
      endedRun(exited(1), {
        errors: ['Error: Could not parse application options: invalid option: --colour'],
      }),
      'failed',
    ],
    'code 0 and no report': [endedRun(exited(0)), 'failed'],
    'a crash of Ruby': [endedRun(exited(127)), 'failed'],
    'an invalid report and a crash': [endedRun(exited(127), { report: [] }), 'failed'],
    'noop with pending changes': [endedRun(exited(0), { report: pending }), 'pending'],
    'noop with none': [endedRun(exited(0), { report: puppetReport({ noop: true }) }), 'unchanged'],
    'a single noop resource in a run that changed something': [
      endedRun(exited(2), { report: puppetReport({ status: 'changed', noop_pending: true }) }),
      'changed',
    ],
    'the time limit': [endedRun(PASSED_LIMIT, { report: brokenOff }), 'killed'],
    'a signal that Puppet has handled': [
      endedRun(exited(1), { report: brokenOff, signal: 'SIGTERM' }),
      'killed',
    ],
    'picked up, and it had ended': [
      endedRun({ kind: 'unseen' }, { report: puppetReport() }),
      'unchanged',
    ],
    'picked up, and it had failed': [endedRun({ kind: 'unseen' }, { report: failed }), 'failed'],
    'picked up, and it was broken off': [
      endedRun({ kind: 'unseen' }, { report: brokenOff }),
      'killed',
    ],
    'picked up, and no report': [endedRun({ kind: 'unseen' }), 'killed'],
  };
  for (const [name, [ended, status]] of Object.entries(table)) {
    test(name, () => assert.equal(RunSummary.parse(outcomeOf(ended)).status, status));
  }
});

suite('the exit code of mm-agent --once', () => {
  const none = {
    total: 9,
    changed: 0,
    failed: 0,
    skipped: 0,
    outOfSync: 0,
    restarted: 0,
    corrective: 0,
  };
  const table: Record<string, [Partial<RunSummary>, number, number]> = {
    unchanged: [{ status: 'unchanged' }, 0, 0],
    pending: [{ status: 'pending' }, 0, 0],
    skipped: [{ status: 'skipped' }, 0, 0],
    changed: [{ status: 'changed' }, 0, 2],
    failed: [{ status: 'failed', resources: { ...none, failed: 1 } }, 1, 4],
    'failed and changed': [
      { status: 'failed', resources: { ...none, failed: 1, changed: 2 } },
      1,
      6,
    ],
    'broken off': [{ status: 'failed', resources: none }, 1, 1],
    'no report': [{ status: 'failed' }, 1, 1],
    'did not compile': [{ status: 'not-compiled' }, 1, 1],
    'time limit': [{ status: 'killed', killedBy: 'time-limit' }, 24, 24],
    stopped: [{ status: 'killed', killedBy: 'stopped' }, 1, 1],
  };
  for (const [name, [overrides, plain, detailed]] of Object.entries(table)) {
    test(name, () => {
      const summary = { ...outcomeOf(endedRun(exited(0))), ...overrides };
      assert.deepEqual(
        [runExitCode(summary, { detailed: false }), runExitCode(summary, { detailed: true })],
        [plain, detailed],
      );
    });
  }
});
