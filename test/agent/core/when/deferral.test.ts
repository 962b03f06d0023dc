import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Condition,
  type Deferral,
  deferralOf,
  mayWait,
} from '../../../../agent/core/when/deferral.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-29T12:00:00.000Z');
const at = (hours: number) => new Date(NOW + hours * HOUR).toISOString();
const since = (hours: number): Deferral => ({ since: at(hours), until: at(hours + 24), why: 'x' });

/** `until`: in hours; undefined when it runs now. */
const cases: Record<
  string,
  { last: Deferral | null; found: Condition | undefined; until?: number }
> = {
  'good conditions': { last: null, found: undefined },
  'on battery power': { last: null, found: 'battery', until: 24 },
  'still on battery power': { last: since(-5), found: 'battery', until: 19 },
  'now on a metered network': { last: since(-5), found: 'metered', until: 19 },
  'good conditions after a while': { last: since(-5), found: undefined },
  'the limit has passed': { last: since(-24), found: 'battery' },
  'the clock was set back by a year': { last: since(365 * 24), found: 'battery', until: 24 },
};
for (const [name, { last, found, until }] of Object.entries(cases)) {
  test(`deferral: ${name}`, () => {
    const deferral = deferralOf(last, found, { now: NOW, limitSeconds: 86_400 });
    assert.equal(deferral?.until, until === undefined ? undefined : at(until));
    if (deferral === undefined) return;
    assert.ok(mayWait(deferral, NOW));
    assert.match(deferral.why, found === 'battery' ? /battery/ : /metered/);
  });
}

test('deferral: a poll does not ask after the limit, or after the clock was set back', () => {
  assert.ok(!mayWait(since(-24), NOW));
  assert.ok(!mayWait(since(1), NOW));
});
