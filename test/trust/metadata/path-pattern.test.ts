import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coversPath } from '../../../trust/metadata/path-pattern.ts';

const ROWS: readonly (readonly [pattern: string, path: string, isCovered: boolean])[] = [
  ['stable/*', 'stable/current', true],
  ['stable/*', 'stable/', true],
  ['stable/*', 'stable', false],
  ['stable/*', 'stable/a/b', false],
  ['stable/*', 'stable2/current', false],
  ['stable/current', 'stable/current', true],
  ['dev_*/*', 'dev_/next', true],
  ['dev_*/*', 'dev_a/next', true],
  ['dev_*/*', 'dev/next', false],
  ['*/*', 'a/b/c', false],
  ['*', 'a/b', false],
  ['**', 'a/b', false],
  ['a**b/?', 'a-b-b/x', true],
  ['*b*d', 'abcbd', true],
  ['*b*d', 'abcbdc', false],
  ['?/b', '/b', false],
  ['a?b', 'a/b', false],
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['?', '', false],
  // The literal characters of other globs.
  ['{stable,x}/*', 'stable/current', false],
  ['{stable,x}/*', '{stable,x}/current', true],
  ['[s]table/*', 'stable/current', false],
  ['!(x)/*', 'stable/current', false],
  ['!x/*', 'stable/current', false],
  ['\\*/*', 'a/current', false],
  ['Stable/*', 'stable/current', false],
];

test('limits: a path pattern has the wildcards of TUF, and no others', () => {
  for (const [pattern, path, isCovered] of ROWS) {
    assert.equal(coversPath(pattern, path), isCovered, `${pattern} ${path}`);
  }
});

test('limits: no path pattern that fits into a file costs more than its length', () => {
  // With a matcher that tries again from each star, none of these ends.
  const path = `${'a'.repeat(64)}/current`;
  for (const part of ['*', '*a', '*a*b', '{a,b}', '+(a|aa)', '**/', '{1..9}']) {
    const pattern = part.repeat(4_000_000 / part.length);
    assert.equal(coversPath(pattern, path), false, part);
  }
});
