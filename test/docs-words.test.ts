import assert from 'node:assert/strict';
import { test } from 'node:test';
import { citations } from './support/citations.ts';

/**
 * What to write, and the words that it replaces: they send a reader to a dictionary, or begin a
 * sentence in an unusual order. They are looked for in comments, messages, test titles and
 * documents.
 */
const PLAIN: Readonly<Record<string, RegExp>> = {
  'who, everybody who, the person who': /\bwho(?:so)?ever\b/gi,
  again: /\ba(?:new|fresh)\b/gi,
  'therefore, so': /\b(?:hence|whence|thereby|thus)\b/gi,
  'so that … not': /\blest\b/gi,
  'no …, without …': /\b(?:is|are|was|were) none\b/gi,
  'learns, prints, throws': /\b(?:is|are|was|were) told\b/gi,
  'differ, distinguished': /\bt(?:old|ell|elling) apart\b/gi,
  'and … not': /\bnor (?:do|does|did|is|are|can|will)\b/gi,
  'is available': /\b(?:can|could) be had\b/gi,
  'is, is stored': /\bl(?:ies|ying)\b/gi,
  'as text': /\bin (?:words|prose)\b/gi,
  'available, there': /\bat hand\b/gi,
  'without success': /\bin vain\b/gi,
  'forever, without end': /\bfor ever\b/gi,
  'repair, correct': /\bmend(?:s|ed|ing)?\b/gi,
};
const THIS_FILE = 'test/docs-words.test.ts';

for (const [write, unusual] of Object.entries(PLAIN)) {
  test(`docs: plain words: ${write}`, () => {
    const found = citations(unusual).filter(({ file }) => file !== THIS_FILE);
    assert.deepEqual(
      found.map(({ where, name }) => `${where}: "${name}": write: ${write}`),
      [],
    );
  });
}

test('docs: values in tests are what a user would have', () => {
  const stands = /\bplace-?holders?\b/gi;
  const found = citations(stands).filter(({ file }) => file.startsWith('test/'));
  assert.deepEqual(
    found.map(({ where }) => where),
    [],
  );
});
