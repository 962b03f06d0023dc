import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron } from '../../../agent/config/parse-cron.ts';

const REFUSED = [
  '',
  '* * * *',
  '* * * * * *',
  '@daily',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 0 *',
  '* * * 13 *',
  '* * * * 8',
  '*/0 * * * *',
  '1-5/0 * * * *',
  '5/15 * * * *',
  '-1 * * * *',
  '1- * * * *',
  '1,,2 * * * *',
  '1.5 * * * *',
  '0x1 * * * *',
  'mon * * * *',
  '* * * janfeb *',
  '* * * mon *',
  '* * * * jan',
  '* * * * someday',
  '* * * * 1#6',
  '** * * * *',
];

for (const expression of REFUSED) {
  test(`cron: "${expression}" is refused`, () => assert.throws(() => parseCron(expression), Error));
}

test('cron: the fields are numbers in order, Sunday is 0', () => {
  assert.deepEqual(parseCron('30,0 22-1 1 jan-feb sat-7'), {
    minutes: [0, 30],
    hours: [0, 1, 22, 23],
    days: [1],
    months: [1, 2],
    weekdays: [6, 0],
    isEitherDay: true,
  });
});

for (const [expression, want] of [
  ['0 0 1 * 1', true],
  ['0 0 1-31 * 0-6', true],
  ['0 0 * * 1', false],
  ['0 0 1 * *', false],
  ['0 0 */2 * 1', false],
  ['0 0 1 * */2', false],
  ['0 0 1 * ?', false],
] as const) {
  test(`cron: in ${expression} ${want ? 'one of both days is enough' : 'both fields count'}`, () => {
    assert.equal(parseCron(expression).isEitherDay, want);
  });
}
