import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvLine } from '../../../operator/hosts/csv.ts';

const CELLS = [
  ['plain', 'plain'],
  [null, ''],
  [-1.5, '-1.5'],
  [true, 'true'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['=cmd()', "'=cmd()"],
  ['-1,2', `"'-1,2"`],
  [' \t@SUM(1)', "'@SUM(1)"],
  ['two\nlines\u001b[31m', 'two lines [31m'],
] as const;

test('csv: cells are quoted, on one line, and no formula', () => {
  for (const [cell, want] of CELLS) assert.equal(csvLine([cell]), want);
  assert.equal(csvLine(['a', null, 1]), 'a,,1');
});
