import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Decision, decide, type View } from '../../../agent/core/decide.ts';
import { OPEN } from '../../../agent/core/when/apply-window.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const idle: View = {
  trigger: 'poll',
  disabled: undefined,
  offer: { kind: 'offered', sha256: A, version: '1.0.0' },
  stopped: false,
  onExpired: 'apply',
  active: A,
  lastRun: A,
  retry: null,
  held: null,
  wasDeferred: false,
  bad: [],
  rollback: undefined,
  window: OPEN,
  now: 0,
  noop: false,
};
const newer = { kind: 'offered', sha256: B, version: '1.1.0' } as const;
const expired = { kind: 'unknown', code: 'METADATA_EXPIRED', why: 'timestamp' } as const;
const offline = { kind: 'unknown', code: 'S3_UNREACHABLE', why: 'no answer' } as const;
const held = { kind: 'held', state: 'held', why: 'freeze' } as const;
const stopped = { kind: 'stopped', why: 'bad release' } as const;

const closed = { isOpen: false, opensAt: null, why: 'apply_window is closed' } as const;

type Want = Omit<Decision, 'why'>;
const nothing: Want = { install: false, run: 'no', skipped: undefined };
const runActive: Want = { install: false, run: 'run', skipped: undefined };
const installAndRun: Want = { install: true, run: 'run', skipped: undefined };
const skip = (skipped: Decision['skipped']): Want => ({ install: false, run: 'no', skipped });

const cases: Record<string, { view: Partial<View>; want: Want }> = {
  'nothing new at a poll': { view: {}, want: nothing },
  'nothing new, but the apply schedule is due': { view: { trigger: 'apply' }, want: runActive },
  'nothing new, but the daemon has started': { view: { trigger: 'start' }, want: runActive },
  'nothing new, but asked for': { view: { trigger: 'asked' }, want: runActive },
  'a new release at a poll': { view: { offer: newer }, want: installAndRun },
  'the first release': { view: { active: undefined, lastRun: undefined }, want: installAndRun },
  'a release withdrawn to an older one': { view: { active: B, lastRun: B }, want: installAndRun },
  'a run that was cut off is owed': { view: { lastRun: undefined }, want: runActive },
  'files that cannot be written': {
    view: { offer: newer, blocked: 'read-only' },
    want: skip('blocked'),
  },
  'disabled, and files that cannot be written': {
    view: { disabled: { reason: 'a test' }, blocked: 'read-only' },
    want: skip('disabled'),
  },
  'a failed run is tried again at a poll': {
    view: { retry: { release: A, failed: 1, of: 5, at: new Date(0).toISOString() } },
    want: runActive,
  },
  'a failed run waits for its next try': {
    view: { retry: { release: A, failed: 1, of: 5, at: new Date(60_000).toISOString() } },
    want: nothing,
  },
  'a new release while the window is closed': {
    view: { offer: newer, window: closed },
    want: { install: true, run: 'noop', skipped: undefined, isOutsideWindow: true },
  },
  'asked for while the window is closed': {
    view: { trigger: 'asked', window: closed },
    want: { install: false, run: 'noop', skipped: undefined, isOutsideWindow: true },
  },
  'noop asked for while the window is closed': {
    view: { trigger: 'asked', window: closed, noop: true },
    want: { install: false, run: 'noop', skipped: undefined },
  },
  'a release that was run as noop while the window is closed': {
    view: { lastRun: B, held: { release: A, isOwed: true }, window: closed },
    want: nothing,
  },
  'the window is open again': {
    view: { held: { release: A, isOwed: true } },
    want: runActive,
  },
  'the active release is bad: going back': {
    view: { offer: newer, active: B, lastRun: B, bad: [B], rollback: A },
    want: { install: false, rollback: A, run: 'run', skipped: undefined },
  },
  'the active release is bad, and there is nothing to go back to': {
    view: { offer: newer, active: B, lastRun: B, bad: [B], trigger: 'apply' },
    want: runActive,
  },
  'a bad release is offered: it is not installed again': {
    view: { offer: newer, bad: [B], rollback: A },
    want: nothing,
  },
  'a bad release is offered and asked for: the good one runs': {
    view: { offer: newer, bad: [B], rollback: A, trigger: 'asked' },
    want: runActive,
  },
  'another release than the bad one is offered': {
    view: { offer: newer, bad: ['c'.repeat(64)], rollback: A },
    want: installAndRun,
  },
  'the active release is bad, and the publisher stops': {
    view: { offer: stopped, active: B, lastRun: B, bad: [B], rollback: A },
    want: skip('stopped'),
  },
  'the active release is bad, and the publisher holds': {
    view: { offer: held, active: B, lastRun: B, bad: [B], rollback: A },
    want: nothing,
  },
  'the active release is bad, and the bucket is gone': {
    view: { offer: offline, active: B, lastRun: B, bad: [B], rollback: A },
    want: nothing,
  },
  'noop configured': {
    view: { offer: newer, noop: true },
    want: { install: true, run: 'noop', skipped: undefined },
  },
  'disabled, though a release is new': {
    view: { disabled: { reason: 'x' }, offer: newer },
    want: skip('disabled'),
  },
  'disabled and asked for': {
    view: { disabled: { reason: 'x' }, trigger: 'asked' },
    want: skip('disabled'),
  },
  'stopped by the publisher': { view: { offer: stopped, trigger: 'apply' }, want: skip('stopped') },
  'stopped, and then the bucket is gone': {
    view: { offer: offline, stopped: true, trigger: 'apply' },
    want: skip('stopped'),
  },
  'stopped, and then the environment has no release': {
    view: { offer: { kind: 'nothing' }, stopped: true, trigger: 'apply' },
    want: skip('stopped'),
  },
  'stopped, and then the metadata expires': {
    view: { offer: expired, stopped: true, trigger: 'apply' },
    want: skip('stopped'),
  },
  'the bucket is gone: keeps applying': {
    view: { offer: offline, trigger: 'apply' },
    want: runActive,
  },
  'the bucket is gone at a poll': { view: { offer: offline }, want: nothing },
  'the bucket is gone before the first release': {
    view: { offer: offline, active: undefined, trigger: 'apply' },
    want: skip('no-release'),
  },
  'nothing published yet': {
    view: { offer: { kind: 'nothing' }, active: undefined, trigger: 'apply' },
    want: skip('no-release'),
  },
  'nothing published any more keeps the active one': {
    view: { offer: { kind: 'nothing' }, trigger: 'apply' },
    want: runActive,
  },
  'held: keeps applying the active one': {
    view: { offer: held, trigger: 'apply' },
    want: runActive,
  },
  'held before the first release': {
    view: { offer: held, active: undefined, trigger: 'apply' },
    want: skip('no-release'),
  },
  'expired, on_expired apply': { view: { offer: expired, trigger: 'apply' }, want: runActive },
  'expired, on_expired noop': {
    view: { offer: expired, trigger: 'apply', onExpired: 'noop' },
    want: { install: false, run: 'noop', skipped: undefined },
  },
  'expired, on_expired stop': {
    view: { offer: expired, trigger: 'apply', onExpired: 'stop' },
    want: skip('expired'),
  },
  'unreachable is not expired': {
    view: { offer: offline, trigger: 'apply', onExpired: 'stop' },
    want: runActive,
  },
};

for (const [name, { view, want }] of Object.entries(cases)) {
  test(`decide: ${name}`, () => {
    const { why, ...decision } = decide({ ...idle, ...view });
    assert.deepEqual(decision, want);
    assert.ok(why.length > 0);
  });
}

test('decide: the reason to keep the current release is a readable text', () => {
  assert.match(decide({ ...idle, trigger: 'apply', offer: offline }).why, /no answer/);
  assert.match(decide({ ...idle, trigger: 'apply', offer: held }).why, /freeze/);
});
