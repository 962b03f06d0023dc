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
  ['＝cmd()', "'＝cmd()"],
  ['a;=1', `"a;'=1"`],
  ['a; "＋1|@b', `"a; ""'＋1|'@b"`],
  ['a - b; c=d', '"a - b; c=d"'],
  ['two\nlines\u001b[31m', 'two lines [31m'],
] as const;

test('csv: cells are quoted, on one line, and no formula', () => {
  for (const [cell, want] of CELLS) assert.equal(csvLine([cell]), want);
  assert.equal(csvLine(['a', null, 1]), 'a,,1');
});

test('csv: no list separator of a spreadsheet begins a formula', () => {
  const starts = [...'=+-@＝＋－＠'];
  for (const separator of [',', ';', '|', '\t', '\r', '\n']) {
    for (const quote of ['', '"', "'", ' ', ' "', '""']) {
      for (const start of starts) {
        const line = csvLine(['x', `a${separator}${quote}${start}1`, `${quote}${start}1`]);
        const cells = line.split(separator === ',' ? /,(?=(?:[^"]*"[^"]*")*[^"]*$)/ : separator);
        const runs = cells.filter((cell) => starts.includes(cell.replace(/^["\s]+/, '')[0] ?? ''));
        assert.deepEqual(runs, [], JSON.stringify(line));
      }
    }
  }
});
