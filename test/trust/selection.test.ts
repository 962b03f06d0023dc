import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import type { EnvironmentOffer } from '../../trust/metadata/trusted.ts';
import { rolloutShare, select } from '../../trust/selection.ts';
import { releaseCustom } from '../support/tuf/simulator-documents.ts';

function release(version: string, change: Partial<ReleaseCustom> = {}): OfferedRelease {
  return { sha256: 'a'.repeat(64), length: 1, custom: releaseCustom(version, change) };
}

const everybody = { salt: 's', bp: 10_000, groups: [] };
const canaries = { salt: 's', bp: 0, groups: ['canary'] };
const current = release('1.0.0');
const next = release('2.0.0', { rollout: everybody });
const stopped = release('1.0.0', { stop: true });
const held = release('1.0.0', { hold: true });
const picky = release('1.0.0', { minAgent: '9.0.0' });

const CASES: Record<string, { offer: Partial<EnvironmentOffer>; groups?: string[]; want: string }> =
  {
    'current alone': { offer: {}, want: 'run current' },
    'nothing published': { offer: { current: undefined }, want: 'nothing' },
    'next without current': { offer: { current: undefined, next }, want: 'nothing' },
    'next for all hosts': { offer: { next }, want: 'run next' },
    'next without rollout': { offer: { next: release('2.0.0') }, want: 'run current' },
    'next for no host': {
      offer: { next: release('2.0.0', { rollout: { ...everybody, bp: 0 } }) },
      want: 'run current',
    },
    'next for a group of the host': {
      offer: { next: release('2.0.0', { rollout: canaries }) },
      groups: ['web', 'canary'],
      want: 'run next',
    },
    'next for another group': {
      offer: { next: release('2.0.0', { rollout: canaries }) },
      groups: ['web'],
      want: 'run current',
    },
    'hold on current': { offer: { current: held }, want: 'hold held' },
    'hold on current binds hosts on next': { offer: { current: held, next }, want: 'hold held' },
    'stop on current': { offer: { current: stopped }, want: 'stop' },
    'stop on current binds hosts on next': { offer: { current: stopped, next }, want: 'stop' },
    'stop on next': {
      offer: { next: release('2.0.0', { rollout: everybody, stop: true }) },
      want: 'stop',
    },
    'stop on next leaves hosts on current alone': {
      offer: { next: release('2.0.0', { rollout: canaries, stop: true }) },
      want: 'run current',
    },
    'stop before hold': {
      offer: { current: release('1.0.0', { stop: true, hold: true }) },
      want: 'stop',
    },
    'minAgent above this agent': { offer: { current: picky }, want: 'hold agent-too-old' },
    'minAgent on current binds hosts on next': {
      offer: { current: picky, next },
      want: 'hold agent-too-old',
    },
    'minAgent equal': {
      offer: { current: release('1.0.0', { minAgent: '1.10.0' }) },
      want: 'run current',
    },
    'minAgent below, not by letters': {
      offer: { current: release('1.0.0', { minAgent: '1.9.0' }) },
      want: 'run current',
    },
    'minAgent that is no version': {
      offer: { current: release('1.0.0', { minAgent: 'newest' }) },
      want: 'hold agent-too-old',
    },
    'unknown schema': { offer: { schemaTooNew: true }, want: 'hold schema-too-new' },
    'unknown schema of the only release': {
      offer: { schemaTooNew: true, current: undefined },
      want: 'hold schema-too-new',
    },
    'a stop is read beside an unknown schema': {
      offer: { schemaTooNew: true, current: stopped },
      want: 'stop',
    },
  };

for (const [name, { offer, groups = [], want }] of Object.entries(CASES)) {
  test(`select: ${name}`, () => {
    const whole = { role: 'env-stable', current, next: undefined, schemaTooNew: false, ...offer };
    const host = { certname: 'web1.example.com', groups, agentVersion: '1.10.0' };
    const selection = select(whole, host);
    const slot = 'slot' in selection ? ` ${selection.slot}` : '';
    const why = 'why' in selection ? ` ${selection.why}` : '';
    assert.equal(`${selection.kind}${slot}${why}`, want);
  });
}

test('select: a hold names the release whose metadata says so, also for hosts on next', () => {
  const offer = { role: 'env-stable', current: held, next, schemaTooNew: false };
  const host = { certname: 'web1.example.com', groups: [], agentVersion: '1.10.0' };
  assert.deepEqual(select(offer, host), {
    ...{ kind: 'hold', why: 'held', release: next, holding: held },
  });
});

test('rollout share: a known value, so that no new version assigns hosts differently', () => {
  assert.equal(rolloutShare('r-1', 'web1.example.com'), 6758);
});

test('rollout share: even, and another salt assigns hosts differently', () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `host${index}.example.com`);
  const first = names.filter((name) => rolloutShare('a', name) < 500);
  const both = first.filter((name) => rolloutShare('b', name) < 500);
  assert.ok(Math.abs(first.length - 1000) < 150, `${first.length} of 20000 for 5 %`);
  assert.ok(both.length < 100, `${both.length} in both`);
});
