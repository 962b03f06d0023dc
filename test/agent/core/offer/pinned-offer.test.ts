import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Offer } from '../../../../agent/core/offer/offer.ts';
import { bindingSelection, pinnedOffer } from '../../../../agent/core/offer/pinned-offer.ts';
import type { Pin } from '../../../../agent/core/when/pin.ts';
import type { OfferedRelease } from '../../../../bucket/documents/release.ts';
import type { Selection } from '../../../../trust/selection.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const pin: Pin = {
  environment: null,
  release: { sha256: A, version: '1.0.0' },
  until: '2026-11-29T14:00:00.000Z',
  reason: 'a test',
  by: 'ann',
};
const newer: Offer = { kind: 'offered', sha256: B, version: '1.1.0' };
const stopped: Offer = { kind: 'stopped', why: 'bad' };
const held: Offer = { kind: 'held', state: 'held', why: 'freeze' };
const unknown: Offer = { kind: 'unknown', code: 'METADATA_ROLLBACK', why: 'older' };

const offers: Record<
  string,
  { offer: Offer; pin?: Pin; active?: string; isInstalled?: boolean; want: Offer | 'pinned' }
> = {
  'no pin': { offer: newer, want: newer },
  'a pin to an environment': { offer: newer, pin: { ...pin, release: null }, want: newer },
  'the pinned release is active': { offer: newer, pin, active: A, want: 'pinned' },
  'the pinned release is the one on offer': {
    offer: { kind: 'offered', sha256: A, version: '1.0.0' },
    pin,
    active: B,
    want: { kind: 'offered', sha256: A, version: '1.0.0' },
  },
  'another one is active, and the pinned one is installed': {
    offer: newer,
    pin,
    active: B,
    isInstalled: true,
    want: { kind: 'offered', sha256: A, version: '1.0.0' },
  },
  'the pinned one is not installed any more: nothing is fetched': {
    offer: newer,
    pin,
    active: B,
    want: 'pinned',
  },
  'a stop wins': { offer: stopped, pin, active: B, isInstalled: true, want: stopped },
  'a hold wins': { offer: held, pin, active: B, isInstalled: true, want: held },
  'metadata that is refused offers nothing': {
    offer: unknown,
    pin,
    active: B,
    isInstalled: true,
    want: unknown,
  },
};
for (const [name, { offer, active, isInstalled = false, want, ...given }] of Object.entries(
  offers,
)) {
  test(`I9 pin: ${name}`, () => {
    const found = pinnedOffer(offer, given.pin, { active, isInstalled });
    if (want !== 'pinned') return assert.deepEqual(found, want);
    assert.ok(found.kind === 'held' && found.state === 'pinned');
    assert.match(found.why, /^pinned to 1\.0\.0.*until 2026-11-29T14.*: a test \(ann\)$/);
  });
}

const release = {} as OfferedRelease;
const runs: Selection = { kind: 'run', slot: 'current', release };
const stops: Selection = { kind: 'stop', release };
const nothing: Selection = { kind: 'nothing' };
const holds: Selection = { kind: 'hold', why: 'held', release: undefined };
const bindings: Record<string, { own: Selection; was?: boolean; want: 'own' | 'pinned' }> = {
  'its own environment runs': { own: runs, want: 'pinned' },
  'its own environment is on hold': { own: holds, want: 'pinned' },
  'a stop of its own environment binds': { own: stops, want: 'own' },
  'a stop binds when its release is gone': { own: nothing, was: true, want: 'own' },
  'its own environment never had a release': { own: nothing, want: 'pinned' },
  'a newer release has ended the stop': { own: runs, was: true, want: 'pinned' },
};
for (const [name, { own, was = false, want }] of Object.entries(bindings)) {
  test(`I9 pin: ${name}`, () => {
    const followed: Selection = { kind: 'run', slot: 'next', release };
    assert.equal(bindingSelection(own, followed, was), want === 'own' ? own : followed);
  });
}
