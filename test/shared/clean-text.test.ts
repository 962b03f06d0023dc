import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asciiJson,
  cleanText,
  messageOf,
  printable,
  printableLines,
} from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { anyCodePoint } from '../support/fuzz.ts';

/** Escape sequences, C1, bidi controls, zero-width characters, line separators, half surrogates. */
const HOSTILE = /[^\P{C}\n]|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

const rows: Readonly<Record<string, { text: string; want: string }>> = {
  'plain text': { text: 'Grüße, 世界 👍', want: 'Grüße, 世界 👍' },
  'OSC 52, which writes the clipboard': {
    text: 'a\u001b]52;c;eA==\u0007b',
    want: 'a ]52;c;eA== b',
  },
  'clear screen by C1': { text: 'a\u009b2Jb', want: 'a 2Jb' },
  'a false line': { text: 'no\r\ntrust: ok', want: 'no trust: ok' },
  'line separators': { text: 'a\u2028b\u2029c\u0085d', want: 'a b c d' },
  'bidi controls': { text: 'a\u202e\u2066\u200fb\u061c', want: 'ab' },
  'zero-width characters': { text: 'p\u200ba\u00ady\ufeffp\u2060al', want: 'paypal' },
  'tag characters and variation selectors': { text: 'a\u{e0041}\u{e0100}\ufe0fb', want: 'ab' },
  'half surrogates': { text: '\ud800a\udfff', want: '\ufffda\ufffd' },
  'a NUL': { text: 'a\0b', want: 'a b' },
};

for (const [name, { text, want }] of Object.entries(rows)) {
  test(`printable: ${name}`, () => assert.equal(printable(text), want));
}

test('printable: any text becomes one line of bounded length', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: anyCodePoint, maxLength: 80 }),
      fc.integer({ min: 4, max: 40 }),
      (text, max) => {
        const line = printable(text, max);
        assert.ok(line.length <= max);
        assert.ok(line.isWellFormed());
        assert.doesNotMatch(line, HOSTILE);
        assert.doesNotMatch(line, /\n/);
      },
    ),
  );
});

test('printable: a cut is marked and never splits a character', () => {
  assert.equal(printable('abcdefgh', 6), 'abc...');
  assert.equal(printable('👍👍👍👍', 6), '👍\ufffd...');
  assert.equal(cleanText('abcdefgh', 6), 'abcde…');
});

test('cleanText keeps line feeds and removes everything else that moves the cursor', () => {
  assert.equal(cleanText('a\r\n\tb\u001bc\n', 100), 'a \n b c');
});

test('printableLines keeps lines and their indentation', () => {
  assert.equal(printableLines('a\u001b[2J\n  b\r\n\n'), 'a [2J\n  b\n\n');
});

test('asciiJson: ASCII that parses to the same value', () => {
  const value = { 'k\u009b': ['\u202e', '\ud800', '👍', '\u007f', '\n'] };
  const text = asciiJson(value, 2);
  assert.match(text, /^[\n\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(text), value);
});

test('messageOf: the message of an error, or the text of any other thrown value', () => {
  assert.equal(messageOf(new Error('a\nb')), 'a b');
  assert.equal(messageOf('x\u001b'), 'x');
});

test('an error with a code says text from outside on one line of bounded length', () => {
  const evil = `\u001b]0;x\u0007\n${'y'.repeat(500_000)}`;
  const { message, next } = new CodedError(`cannot read: ${evil}`, {
    code: 'S3_FAILED',
    next: evil,
  });
  for (const text of [message, next ?? '']) {
    assert.ok(text.length <= 2000);
    assert.doesNotMatch(text, HOSTILE);
    assert.doesNotMatch(text, /\n/);
  }
});

test('an error with a code has several lines only where its code passed several', () => {
  const { message } = new CodedError(['two problems:', '  a\nb', '  c\u009b'], { code: 'USAGE' });
  assert.equal(message, 'two problems:\n  a b\n  c');
});
