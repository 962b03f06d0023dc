import assert from 'node:assert/strict';
import { test } from 'node:test';
import { citations } from './support/citations.ts';

/**
 * Words that send a reader to a dictionary, or that begin a sentence in an unusual order. They are
 * looked for in comments, messages, test titles and documents.
 */
const UNUSUAL: Readonly<Record<string, { readonly pattern: RegExp; readonly write: string }>> = {
  whoever: { pattern: /\bwhoever\b/gi, write: 'who, everybody who, the person who' },
  anew: { pattern: /\banew\b/gi, write: 'again' },
  hence: { pattern: /\b(?:hence|whence|thereby|thus)\b/gi, write: 'therefore, so' },
  lest: { pattern: /\blest\b/gi, write: 'so that … not' },
  'is none': { pattern: /\b(?:is|are|was|were) none\b/gi, write: 'no …, without …' },
  'is told': { pattern: /\b(?:is|are|was|were) told\b/gi, write: 'learns, prints, throws' },
  'told apart': { pattern: /\btold apart\b/gi, write: 'differ, distinguished' },
  'nor does': { pattern: /\bnor (?:do|does|did|is|are|can|will)\b/gi, write: 'and … not' },
  'could be had': { pattern: /\b(?:can|could) be had\b/gi, write: 'is available' },
  lies: { pattern: /\blies\b/gi, write: 'is, is stored' },
  'in words': { pattern: /\bin words\b/gi, write: 'as text' },
  'at hand': { pattern: /\bat hand\b/gi, write: 'available, there' },
  'in vain': { pattern: /\bin vain\b/gi, write: 'without success' },
  'for ever': { pattern: /\bfor ever\b/gi, write: 'forever, without end' },
  mend: { pattern: /\bmend(?:s|ed|ing)?\b/gi, write: 'repair, correct' },
};
const THIS_FILE = 'test/docs-words.test.ts';

for (const [word, { pattern, write }] of Object.entries(UNUSUAL)) {
  test(`docs: nothing says "${word}"`, () => {
    const found = citations(pattern).filter(({ file }) => file !== THIS_FILE);
    assert.deepEqual(
      found.map(({ where, name }) => `${where}: "${name}": write: ${write}`),
      [],
    );
  });
}

test('docs: no test says "placeholder": its values are what a user would have', () => {
  const found = citations(/\bplaceholders?\b/gi).filter(({ file }) => file.startsWith('test/'));
  assert.deepEqual(
    found.filter(({ file }) => file !== THIS_FILE).map(({ where }) => where),
    [],
  );
});
