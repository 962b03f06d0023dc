import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followedEnvironment } from '../../../../agent/core/when/pin.ts';

const NOW = Date.parse('2026-11-29T10:00:00.000Z');
const UNTIL = '2026-11-29T14:00:00.000Z';

const followed: Record<string, { until: string; environment: string | null; want: string }> = {
  'until then': { until: UNTIL, environment: 'canary', want: 'canary' },
  'a release keeps the environment': { until: UNTIL, environment: null, want: 'stable' },
  'at its end': { until: '2026-11-29T10:00:00.000Z', environment: 'canary', want: 'stable' },
  'for 30 days': { until: '2026-12-29T10:00:00.000Z', environment: 'canary', want: 'canary' },
  'made before the clock was set back by 60 days': {
    until: '2027-01-28T10:00:00.000Z',
    environment: 'canary',
    want: 'stable',
  },
  'of a damaged state': { until: 'soon', environment: 'canary', want: 'stable' },
};
for (const [name, { until, environment, want }] of Object.entries(followed)) {
  test(`pin: the daemon follows its environment: ${name}`, () => {
    const known = { environment, until, release: null, reason: null, by: null };
    assert.equal(followedEnvironment(known, 'stable', NOW), want);
    assert.equal(followedEnvironment(undefined, 'stable', NOW), 'stable');
  });
}
