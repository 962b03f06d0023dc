import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Results, withTables } from '../../bench/results.ts';
import { atMost, below, exactly, type Figure, holds, judged } from '../../bench/rows.ts';
import { median, middleHalf } from '../../bench/statistics.ts';
import { textTable } from '../../bench/table.ts';

const compared: Figure = {
  what: 'puppet apply, CPU',
  unit: 's',
  ours: 3,
  theirs: 4,
  ratios: [0.9, 0.7, 0.8],
  samples: 3,
  marks: [atMost(0.8), below(0.75)],
};

test('statistics: the median and the middle half', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.deepEqual(middleHalf([5, 1, 4, 2, 3]), [2, 4]);
  assert.throws(() => median([]), RangeError);
});

test('rows: with pairs, a mark is compared with the median of the ratios', () => {
  assert.equal(judged(compared), 0.8);
  const { ratios: _, ...plain } = compared;
  assert.equal(judged(plain), 3);
});

test('rows: when a mark is met', () => {
  const cases = [
    [atMost(1), 1, true],
    [atMost(1), 1.01, false],
    [below(1), 0.99, true],
    [below(1), 1, false],
    [exactly(1), 1, true],
    [exactly(1), 2, false],
  ] as const;
  for (const [mark, figure, want] of cases) assert.equal(holds(mark, figure), want);
});

test('table: a row shows its verdicts, and a failed measurement its reason', () => {
  const rows = [
    compared,
    { what: 'git pull', why: 'git is not installed', isFailure: false },
    { what: 'start', why: 'it ended with 1', isFailure: true },
  ];
  const lines = textTable([{ title: 'Nothing to change', rows }]).split('\n');
  assert.match(
    lines[2] ?? '',
    /^puppet apply, CPU +3 s +4 s +0\.80 .* <= 0\.8 ok, < 0\.75 MISSED$/,
  );
  assert.equal(lines[3], 'git pull: git is not installed');
  assert.equal(lines[4], 'start: FAILED: it ended with 1');
});

const results: Results = {
  kind: 'load',
  at: '2026-11-23T10:00:00.000Z',
  machine: {
    miyamoto: '0.1.0',
    commit: 'abc',
    node: '24.21.0',
    puppet: '7.23.0',
    kernel: 'linux',
    cores: 2,
    cpu: 'any',
  },
  seconds: 10,
  groups: [{ title: 'Hosts', rows: [compared] }],
};

test('page: docs/performance.md accepts the tables of both kinds, and a second write changes nothing more', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/performance.md'), 'utf8');
  for (const kind of ['benchmark', 'load'] as const) {
    const once = withTables(page, { ...results, kind });
    assert.match(once, /^\| puppet apply, CPU \| 3 s \| 4 s \| 0\.80 \|/m);
    assert.equal(withTables(once, { ...results, kind }), once);
  }
  assert.throws(() => withTables('a page without marks', results));
});
