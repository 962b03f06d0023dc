import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../shared/suggestion.ts';

const WORDS = ['root', 'dev', 'stable', 'status', 'policy', '0.1.0', 'feature/x', 'qa'];

const typed: Readonly<Record<string, string | undefined>> = {
  roo: 'root',
  stbale: 'stable',
  STABLE: 'stable',
  statsu: 'status',
  dve: 'dev',
  pol: 'policy',
  '0.1': '0.1.0',
  'feture/x': 'feature/x',
  foo: undefined,
  x: undefined,
  production: undefined,
};

for (const [word, want] of Object.entries(typed)) {
  test(`suggestion: ${word} means ${want ?? 'no known word'}`, () => {
    assert.equal(nearest(word, WORDS), want);
  });
}
