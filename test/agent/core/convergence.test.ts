import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryEnd } from '../../../agent/core/convergence.ts';
import { skippedRun } from '../../../agent/core/run/run-summary.ts';
import { type HostState, NO_STATE } from '../../../agent/core/state.ts';
import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../support/status-sample.ts';

const after = (run: Partial<RunSummary>, status: Partial<StatusDocument> = {}): HostState => ({
  ...NO_STATE,
  status: { ...sampleStatus, ...status, run: { ...sampleRun, id: 'new', ...run } },
});
const offline = {
  ...sampleStatus.trust,
  state: 'unreachable',
  error: { code: 'S3_UNREACHABLE', message: 'no answer' },
};

const BAD = 'b'.repeat(64);

const ends: Record<string, { exitCode: number; after: HostState; want: string; why?: RegExp }> = {
  'nothing to change': { exitCode: 0, after: after({}), want: 'converged' },
  'a change': {
    exitCode: 0,
    after: after({
      status: 'changed',
      changedResources: ['File[/etc/motd]'],
      changedResourcesTotal: 3,
    }),
    want: 'again',
    why: /File\[\/etc\/motd\], 2 more/,
  },
  'a failed resource': {
    exitCode: 1,
    after: after({
      status: 'failed',
      failedResources: [{ resource: 'Exec[x]', message: 'returned 1', file: null, line: null }],
    }),
    want: 'again, failed',
    why: /returned 1/,
  },
  'no catalog': {
    exitCode: 1,
    after: after({ status: 'not-compiled', error: 'Syntax error' }),
    want: 'again, failed',
    why: /Syntax/,
  },
  'nothing to change, but the bucket was not read': {
    exitCode: 0,
    after: after({}, { trust: offline }),
    want: 'again, failed',
    why: /S3_UNREACHABLE/,
  },
  'nothing to change, but the offered release is bad here': {
    exitCode: 0,
    after: after(
      {},
      {
        offered: { version: '1.5.0', sha256: BAD, why: 'bad' },
        bad: [
          {
            ...{ version: '1.5.0', sha256: BAD, outcome: 'failed', runId: 'x', exitCode: 4 },
            ...{ errors: ['no class x'], at: '2026-11-23T10:00:00.000Z' },
          },
        ],
      },
    ),
    want: 'again, failed',
    why: /1\.5\.0 is bad on this host: no class x/,
  },
  'no release yet': {
    exitCode: 22,
    after: { ...NO_STATE, status: { ...sampleStatus, run: skippedRun('x', 0) } },
    want: 'again, failed',
  },
  'no run of this cycle': {
    exitCode: 1,
    after: { ...NO_STATE, status: sampleStatus },
    want: 'again, failed',
  },
  'another cycle, which has run': { exitCode: 11, after: after({}), want: 'again, failed' },
  'resources with noop of their own': {
    exitCode: 0,
    after: after({ status: 'pending' }),
    want: 'converged',
  },
  'runs are noop': {
    exitCode: 0,
    after: after({ status: 'pending', noop: true }),
    want: 'hopeless 25',
  },
  'runs are noop, and nothing would change': {
    exitCode: 0,
    after: after({ noop: true }),
    want: 'converged',
  },
  'the window is closed': {
    exitCode: 12,
    after: after({ status: 'pending', noop: true }),
    want: 'hopeless 12',
  },
  disabled: { exitCode: 10, after: NO_STATE, want: 'hopeless 10' },
  'a mistake in the configuration': { exitCode: 20, after: NO_STATE, want: 'hopeless 20' },
};
const before: HostState = { ...NO_STATE, status: sampleStatus };
for (const [name, { exitCode, after, want, why = /./ }] of Object.entries(ends)) {
  test(`convergence: ${name}`, () => {
    const end = tryEnd(exitCode, before, after);
    switch (end.kind) {
      case 'converged':
        assert.equal(want, 'converged');
        break;
      case 'again':
        assert.equal(want, end.isFailure ? 'again, failed' : 'again');
        assert.match(end.why, why);
        break;
      case 'hopeless':
        assert.equal(want, `hopeless ${end.exitCode}`);
        assert.match(end.why, why);
    }
  });
}

test('convergence: a host without a state has not converged', () => {
  assert.equal(tryEnd(0, undefined, undefined).kind, 'again');
});
