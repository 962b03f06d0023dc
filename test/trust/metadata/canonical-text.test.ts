import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { canonicalText } from '../../../trust/metadata/canonical-text.ts';
import { nested } from '../../support/nested.ts';

const TEXTS = ['', '"', '\\', 'ä\n\u0000', '\ud800', '__proto__', 'b', 'a', '10', '9'];

/** Values of all kinds, by a fixed sequence of numbers. */
function randomValue(next: () => number, levels: number): unknown {
  const text = () => TEXTS[next() % TEXTS.length] ?? '';
  const list = () => Array.from({ length: next() % 4 }, () => randomValue(next, levels - 1));
  switch (next() % (levels > 0 ? 7 : 5)) {
    case 0:
      return text();
    case 1:
      return [0, -0, -5, 2 ** 53, 1e300][next() % 5];
    case 2:
      return next() % 2 === 0;
    case 3:
      return null;
    case 4:
      return [];
    case 5:
      return list();
    default:
      return JSON.parse(JSON.stringify(Object.fromEntries(list().map((each) => [text(), each]))));
  }
}

test('nesting: the text that keys sign is that of the TUF library', () => {
  let seed = 7;
  const next = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed;
  };
  for (let count = 0; count < 300; count++) {
    const value = randomValue(next, 5);
    assert.equal(canonicalText(value), canonicalize(value));
  }
  for (const value of [1.5, { a: [0.1] }]) assert.throws(() => canonicalText(value), TypeError);
});

test('nesting: the text that keys sign has as many levels as were signed', () => {
  const levels = 200_000;
  assert.equal(canonicalText(nested(levels)), `${'['.repeat(levels)}${']'.repeat(levels)}`);
});
