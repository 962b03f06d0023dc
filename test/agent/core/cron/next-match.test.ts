import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createTask } from 'node-cron';
import { parseCron } from '../../../../agent/config/parse-cron.ts';
import { cronPosition, nextMatch } from '../../../../agent/core/cron/next-match.ts';

/** In Berlin, the clock goes back from 03:00 to 02:00, so the hour from 02:00 occurs twice. */
const SUMMER_ENDS = Date.parse('2026-10-25T01:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function inTimeZone(t: TestContext, zone: string): void {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
}

/** An instant in local time, as `2026-11-29 03:00`. */
function local(instant: number): string {
  const at = new Date(instant);
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function next(expression: string, from: string): string {
  return local(nextMatch(parseCron(expression), new Date(from.replace(' ', 'T')).getTime()));
}

/** Expression, start, and next due time, all in local time. */
const NEXT: readonly (readonly [expression: string, from: string, want: string])[] = [
  // 29 November 2026 is a Sunday.
  ['0 3 1 * 1', '2026-11-29 12:00', '2026-11-30 03:00'],
  ['0 3 1 * 1', '2026-11-30 03:00', '2026-12-01 03:00'],
  ['0 3 1 * 1', '2026-12-01 03:00', '2026-12-07 03:00'],
  ['0 3 */2 * 1', '2026-11-29 12:00', '2026-12-07 03:00'],
  ['0 3 1 * */2', '2026-11-29 12:00', '2026-12-01 03:00'],
  ['0 3 1-31 * 1', '2026-11-29 12:00', '2026-11-30 03:00'],
  ['0 3 13 * *', '2026-11-29 12:00', '2026-12-13 03:00'],
  ['0 3 * * 1', '2026-11-29 12:00', '2026-11-30 03:00'],
  ['0 0 31 2 1', '2026-11-29 12:00', '2027-02-01 00:00'],
  ['30 4 * * 7', '2026-11-29 12:00', '2026-12-06 04:30'],
  ['30 4 * * 0', '2026-11-29 12:00', '2026-12-06 04:30'],
  ['30 4 * * 5-7', '2026-11-30 12:00', '2026-12-04 04:30'],
  ['30 4 * * sun', '2026-11-29 12:00', '2026-12-06 04:30'],
  ['30 4 * * Mon-Fri', '2026-11-29 12:00', '2026-11-30 04:30'],
  ['0 0 1 jan,JUL *', '2026-11-29 12:00', '2027-01-01 00:00'],
  ['0 0 1 jan-mar/2 *', '2027-01-02 00:00', '2027-03-01 00:00'],
  ['5,35 8-18/2 * * *', '2026-11-29 08:35', '2026-11-29 10:05'],
  ['0 22-2 * * *', '2026-11-29 02:30', '2026-11-29 22:00'],
  ['*/5 * * * *', '2026-11-29 12:00', '2026-11-29 12:05'],
  ['*/5 * * * *', '2026-11-29 12:57', '2026-11-29 13:00'],
  ['59 23 31 12 *', '2026-12-31 23:59', '2027-12-31 23:59'],
  ['0 0 31 * *', '2026-11-29 12:00', '2026-12-31 00:00'],
  ['0 0 30 * *', '2027-01-31 00:00', '2027-03-30 00:00'],
  ['0 0 29 2 *', '2026-11-29 12:00', '2028-02-29 00:00'],
  ['0 0 29 2 *', '2096-03-01 00:00', '2104-02-29 00:00'],
  ['0 0 29 2 */6', '2028-03-01 00:00', '2032-02-29 00:00'],
  ['0 0 L * *', '2027-02-01 00:00', '2027-02-28 00:00'],
  ['0 0 L-2 * *', '2027-02-01 00:00', '2027-02-26 00:00'],
  ['0 0 15W * *', '2026-11-01 00:00', '2026-11-16 00:00'],
  ['0 0 1W * *', '2026-07-31 12:00', '2026-08-03 00:00'],
  ['0 0 LW * *', '2027-01-01 00:00', '2027-01-29 00:00'],
  ['0 0 31W * *', '2026-11-01 00:00', '2026-12-31 00:00'],
  ['0 0 * * 5L', '2026-11-01 00:00', '2026-11-27 00:00'],
  ['0 0 * * 1#2', '2026-11-01 00:00', '2026-11-09 00:00'],
];

for (const [expression, from, want] of NEXT) {
  test(`cron: ${expression} after ${from}`, () => assert.equal(next(expression, from), want));
}

/**
 * The same in Berlin, where summer time begins on 29 March and ends on 25 October, at 02:00 and
 * 03:00.
 */
const IN_BERLIN: readonly (readonly [
  name: string,
  expression: string,
  from: string,
  wants: string[],
])[] = [
  [
    'a fixed time that does not exist is moved by an hour',
    '30 2 * * *',
    '2026-03-29T00:00+01:00',
    ['2026-03-29 03:30', '2026-03-30 02:30'],
  ],
  [
    'a fixed time that occurs twice counts once',
    '30 2 * * *',
    '2026-10-25T00:00+02:00',
    ['2026-10-25 02:30', '2026-10-26 02:30'],
  ],
  [
    'several fixed times keep their order when an hour does not exist',
    '0,30 1-3 * * *',
    '2026-03-29T01:00+01:00',
    ['2026-03-29 01:30', '2026-03-29 03:00', '2026-03-29 03:30', '2026-03-30 01:00'],
  ],
  [
    'every hour continues through the hour that occurs twice',
    '0 * * * 0',
    '2026-10-25T01:00+02:00',
    ['2026-10-25 02:00', '2026-10-25 02:00', '2026-10-25 03:00'],
  ],
  [
    'every hour continues after the hour that does not exist',
    '15 * * * *',
    '2026-03-29T00:30+01:00',
    ['2026-03-29 01:15', '2026-03-29 03:15'],
  ],
];

for (const [name, expression, from, wants] of IN_BERLIN) {
  test(`cron, summer time: ${name}`, (t) => {
    inTimeZone(t, 'Europe/Berlin');
    let at = Date.parse(from);
    const found = wants.map(() => {
      at = nextMatch(parseCron(expression), at);
      return local(at);
    });
    assert.deepEqual(found, wants);
  });
}

test('cron, summer time: a day that begins at 01:00 has its first match at 01:00', (t) => {
  inTimeZone(t, 'America/Santiago');
  assert.equal(next('0 0 * * *', '2026-09-05 12:00'), '2026-09-06 01:00');
  assert.equal(next('0 0 * * *', '2026-09-06 12:00'), '2026-09-07 00:00');
});

for (const expression of ['0 0 30 2 *', '0 0 31 4,6,9,11 *', '0 0 30W 2 *']) {
  test(`cron: ${expression} never matches`, () => {
    assert.throws(() => nextMatch(parseCron(expression), 0), RangeError);
  });
}

const AS_NODE_CRON = [
  ...['* * * * *', '*/5 * * * *', '*/7 * * * *', '*/59 * * * *', '*/60 * * * *', '0 * * * *'],
  ...['59 * * * *', '37,7,7 * * * *', '5-10,50 * * * *', ' */5  *  *  *  * ', '0 3 * * *'],
  ...['*/5 8-18 * * *', '10 */2 * * *', '0 0 1 * *', '0 0 29 2 *', '0 0 31 1,3,12 *'],
  ...['*/5 * * * 1-5', '30 4 * * 0', '30 4 * * 7', '0 0 L * *', '0 0 15W * *', '0 0 LW * *'],
  ...['0 0 * * 1#2', '0 0 * * 5L', '0 0 * jan *', '0 0 * * mon', '0 0 */2 * *', '0 0 L-3 * *'],
];

// Without summer time and with one day field, node-cron's own calendar must agree.
for (const expression of AS_NODE_CRON) {
  test(`cron: ${expression} is due when node-cron says so`, (t) => {
    inTimeZone(t, 'Asia/Kolkata');
    for (let n = 0; n < 40; n += 1) {
      const now = SUMMER_ENDS - 3 * HOUR + n * 433_121 + (n % 10) * 97 * 86_400_000;
      t.mock.timers.reset();
      t.mock.timers.enable({ apis: ['Date'], now });
      const task = createTask(expression, () => undefined);
      const [first, second] = task.getNextRuns(2).map((date) => date.getTime());
      const found = cronPosition(parseCron(expression), now);
      assert.equal(found.next, first, new Date(now).toISOString());
      assert.equal(found.intervalMs, Number(second) - Number(first));
    }
  });
}

test('cron: any expression is due in the first minute that all its fields allow', (t) => {
  inTimeZone(t, 'Asia/Kolkata');
  const field = (least: number, most: number) =>
    fc.oneof(fc.constant('*'), fc.integer({ min: least, max: most }).map(String));
  const fields = fc.tuple(field(0, 59), field(0, 23), field(1, 28), fc.constant('*'), field(0, 6));
  const instant = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2028-01-01') });
  const isAllowed = ([minute, hour, day, , weekday]: readonly string[], at: Date): boolean => {
    const is = (wanted: string | undefined, found: number) =>
      wanted === '*' || Number(wanted) === found;
    const isDay = is(day, at.getDate());
    const isWeekday = is(weekday, at.getDay());
    const isDate = day !== '*' && weekday !== '*' ? isDay || isWeekday : isDay && isWeekday;
    return is(minute, at.getMinutes()) && is(hour, at.getHours()) && isDate;
  };
  fc.assert(
    fc.property(fields, instant, (words, now) => {
      let at = Math.floor(now / MINUTE) * MINUTE + MINUTE;
      while (!isAllowed(words, new Date(at))) at += MINUTE;
      assert.equal(nextMatch(parseCron(words.join(' ')), now), at);
    }),
    { numRuns: 60 },
  );
});

test('cron: polls continue through the end of summer time', (t) => {
  inTimeZone(t, 'Europe/Berlin');
  for (let n = -30; n < 30; n += 1) {
    const now = SUMMER_ENDS + n * 5 * MINUTE;
    const want = { previous: now, next: now + 5 * MINUTE, intervalMs: 5 * MINUTE };
    assert.deepEqual(cronPosition(parseCron('*/5 * * * *'), now), want);
  }
});
