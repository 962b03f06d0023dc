import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  badAfterRun,
  badNow,
  goodAfterRun,
  type HealthView,
  type RollbackView,
  rollbackTarget,
} from '../../../../agent/core/health/health.ts';
import type { BadRelease, RunSummary } from '../../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const FILE = '7.env-stable.json';
const NOW = '2026-11-23T11:00:00.000Z';
const release = { ...sampleStatus.release!, version: '1.5.0', sha256: B };
const view = (run: Partial<RunSummary>, overrides: Partial<HealthView> = {}): HealthView => ({
  release,
  run: { ...sampleRun, ...run },
  lastGood: A,
  isOffline: false,
  offeredBy: FILE,
  now: NOW,
  ...overrides,
});
const mark = (sha256: string): BadRelease => ({
  ...{ version: '1.5.0', sha256, outcome: 'failed', runId: 'x', exitCode: 4, errors: [] },
  at: NOW,
  offeredBy: FILE,
});

const AFTER: Record<string, { last?: BadRelease[]; view: HealthView; want: readonly string[] }> = {
  'it does not compile': { view: view({ status: 'not-compiled' }), want: [B] },
  'the first release does not compile': {
    view: view({ status: 'not-compiled' }, { lastGood: null }),
    want: [B],
  },
  'it fails where the last good one did not': { view: view({ status: 'failed' }), want: [B] },
  'the first release fails: there is nothing to compare with': {
    view: view({ status: 'failed' }, { lastGood: null }),
    want: [],
  },
  'it was good here before, so the host has changed': {
    view: view({ status: 'failed' }, { lastGood: B }),
    want: [],
  },
  'it compiled here before': {
    view: view({ status: 'not-compiled' }, { lastGood: B }),
    want: [],
  },
  'it fails without a network': {
    view: view({ status: 'failed' }, { isOffline: true }),
    want: [],
  },
  'the disk was full': {
    view: view({ status: 'failed', errorCode: 'DISK_FULL' }),
    want: [],
  },
  'its time limit passed': { view: view({ status: 'killed', killedBy: 'time-limit' }), want: [] },
  'a noop run with something to change': { view: view({ status: 'pending' }), want: [] },
  'a good run takes the mark away': { last: [mark(B), mark(A)], view: view({}), want: [A] },
  'a time limit does not': { last: [mark(B)], view: view({ status: 'killed' }), want: [B] },
  'the last one comes first, and five are kept': {
    last: ['1', '2', '3', '4', '5'].map(mark),
    view: view({ status: 'not-compiled' }),
    want: [B, '1', '2', '3', '4'],
  },
};

for (const [name, { last = [], view, want }] of Object.entries(AFTER)) {
  test(`health: ${name}`, () => {
    assert.deepEqual(
      badAfterRun(last, view).map(({ sha256 }) => sha256),
      want,
    );
  });
}

test('health: the evidence is that of the first run, and is bounded', () => {
  const failedResources = [{ resource: 'File[/a]', message: 'denied', file: null, line: null }];
  const run = { status: 'failed', exitCode: 4, id: 'run-1', error: null, failedResources } as const;
  const [first, ...others] = badAfterRun([], view(run));
  assert.deepEqual(
    [first, others],
    [
      {
        ...{ version: '1.5.0', sha256: B, outcome: 'failed', runId: 'run-1', exitCode: 4 },
        ...{ errors: ['File[/a]: denied'], at: NOW, offeredBy: FILE },
      },
      [],
    ],
  );
  assert.deepEqual(badAfterRun([first!], view({ ...run, id: 'run-2' })), [first]);
  const again = view({ ...run, id: 'run-3' }, { offeredBy: '8.env-stable.json' });
  assert.deepEqual(
    badAfterRun([first!], again).map(({ runId }) => runId),
    ['run-3'],
  );
  const long = view({ status: 'not-compiled', error: `${'x'.repeat(999)}\n2\n3\n4` });
  assert.deepEqual(
    badAfterRun([], long)[0]?.errors.map(({ length }) => length),
    [300, 1, 1],
  );
});

test('health: a mark counts as long as the same signed file offers the release', () => {
  const { offeredBy: _, ...older } = mark(A);
  const marks = [mark(B), older];
  assert.deepEqual(badNow(marks, FILE), [mark(B)]);
  assert.deepEqual(badNow(marks, '8.env-stable.json'), []);
});

const last = { ...release, sha256: A };
const good = { release: last, environment: 'stable', root: 1, targets: 3 };
const back: RollbackView = {
  onFailure: 'rollback',
  bad: [mark(B)],
  good,
  environment: 'stable',
  versions: { root: 1, targets: 3, timestamp: 90, 'env-stable': 7 },
};

const BACK: Record<string, { view: Partial<RollbackView>; want: string | undefined }> = {
  'to the last good release': { view: {}, want: A },
  'not with on_failure: keep': { view: { onFailure: 'keep' }, want: undefined },
  'not without a good release': { view: { good: null }, want: undefined },
  'not to a release that is bad itself': { view: { bad: [mark(B), mark(A)] }, want: undefined },
  'not to a release of another environment': { view: { environment: 'canary' }, want: undefined },
  'not after a change of the root keys': {
    view: { versions: { ...back.versions, root: 2 } },
    want: undefined,
  },
  'not after a change of the keys of environments': {
    view: { versions: { ...back.versions, targets: 4 } },
    want: undefined,
  },
  'not when the keys are not known': { view: { versions: {} }, want: undefined },
};

for (const [name, { view, want }] of Object.entries(BACK)) {
  test(`health: back ${name}`, () => {
    assert.equal(rollbackTarget({ ...back, ...view })?.sha256, want);
  });
}

test('health: a good run remembers the keys that were in force', () => {
  assert.deepEqual(goodAfterRun(last, 'stable', back.versions), good);
  assert.equal(goodAfterRun(last, 'stable', { root: 1 }), null);
  assert.equal(goodAfterRun(last, 'stable', undefined), null);
});
