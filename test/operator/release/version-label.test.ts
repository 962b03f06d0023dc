import assert from 'node:assert/strict';
import { test } from 'node:test';
import { highestOf } from '../../../operator/metadata/highest-version.ts';
import { assertVersion, isLower, nextVersion } from '../../../operator/release/version-label.ts';
import { CodedError } from '../../../shared/coded-error.ts';

const next = {
  'no earlier version': [undefined, '0.1.0'],
  'the next patch': ['1.4.9', '1.4.10'],
  'after a pre-release': ['2.0.0-rc.1', '2.0.0'],
  'the earlier label is not semver': ['summer', '0.1.0'],
  'the last patch': ['0.1.999999999999999', '0.2.0'],
  'the last patch and minor': ['0.999999999999999.999999999999999', '1.0.0'],
} as const;

for (const [name, [current, wanted]] of Object.entries(next)) {
  test(`version: ${name}`, () => assert.equal(nextVersion(current), wanted));
}

const given = {
  higher: { wanted: '1.1.0', current: '1.0.0', reason: '', ok: true },
  'the same': { wanted: '1.0.0', current: '1.0.0', reason: '', ok: true },
  'lower without a reason': { wanted: '0.9.0', current: '1.0.0', reason: '', ok: false },
  'lower with a reason': { wanted: '0.9.0', current: '1.0.0', reason: 'renamed', ok: true },
  first: { wanted: '3.0.0', current: undefined, reason: '', ok: true },
  'not semver': { wanted: '1.0', current: undefined, reason: '', ok: false },
  'a number of 16 digits': {
    ...{ wanted: '1.0.1000000000000000', current: '1.0.0', reason: 'r', ok: false },
  },
  'too long': { wanted: `1.0.0-${'a'.repeat(60)}`, current: '1.0.0', reason: 'r', ok: false },
  'with a v': { wanted: 'v1.0.0', current: undefined, reason: '', ok: false },
  'after a label that is not semver': { wanted: '1.0.0', current: 'summer', reason: '', ok: true },
  'that of a later release': {
    ...{ wanted: '1.1.0', current: '1.0.0', highest: '1.1.0' },
    ...{ reason: '', ok: false },
  },
  'above every other one': {
    ...{ wanted: '1.1.1', current: '1.0.0', highest: '1.1.0' },
    ...{ reason: '', ok: true },
  },
} as const;

for (const [name, { wanted, current, reason, ok, ...more }] of Object.entries(given)) {
  test(`version: ${name} is ${ok ? 'accepted' : 'refused'}`, () => {
    const check = () =>
      assertVersion(wanted, {
        current,
        highest: 'highest' in more ? more.highest : highestOf([current]),
        reason,
      });
    if (ok) check();
    else assert.throws(check, (error) => error instanceof CodedError && error.code === 'USAGE');
  });
}

test('version: versions are compared as semver, not as text', () => {
  assert.equal(isLower('1.9.0', '1.10.0'), true);
  assert.equal(isLower('1.10.0', '1.9.0'), false);
  assert.equal(isLower('1.0.0', undefined), false);
});

test('version: the highest of labels, as semver', () => {
  assert.equal(highestOf(['1.9.0', undefined, '1.10.0', 'summer', '1.10.0-rc.1']), '1.10.0');
  assert.equal(highestOf(['summer', undefined, 7, `1.0.0-${'a'.repeat(60)}`]), undefined);
  const last = '999999999999999.999999999999999.999999999999999';
  for (const odd of ['0.1.9007199254740991', '1000000000000000.0.0', last]) {
    assert.equal(highestOf(['1.9.0', odd]), '1.9.0', odd);
  }
});
