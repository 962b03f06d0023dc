import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { calendarPosition } from '../../../../agent/io/cron/calendar.ts';
import { openCron } from '../../../../agent/io/cron/cron.ts';
import { plainFields } from '../../../../agent/io/cron/fields.ts';

/** In Berlin: what is 03:00 in summer is 02:00 from then on, so the hour from 02:00 comes twice. */
const SUMMER_ENDS = Date.parse('2026-10-25T01:00:00Z');
const MINUTE = 60_000;

function at(t: TestContext, now: number): void {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now });
}

function inTimeZone(t: TestContext, zone: string): void {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
}

const EVERY_HOUR = [
  '* * * * *',
  '*/5 * * * *',
  '*/7 * * * *',
  '*/30 * * * *',
  '*/59 * * * *',
  '*/60 * * * *',
  '0 * * * *',
  '59 * * * *',
  '7,37 * * * *',
  '37,7,7 * * * *',
  '0,10 * * * *',
  '5-10,50 * * * *',
  ' */5  *  *  *  * ',
];
const SOMETIMES = [
  '0 3 * * *',
  '*/5 8-18 * * *',
  '10 */2 * * *',
  '0 0 1 * *',
  '0 0 29 2 *',
  '0 0 31 1,3,12 *',
  '*/5 * * * 1-5',
  '30 4 * * 0',
  '30 4 * * 7',
  '30 4 13 * 5',
];

// node-cron is right by definition: what is worked out without it must be the same, at any time.
for (const expression of [...EVERY_HOUR, ...SOMETIMES]) {
  test(`cron: ${expression} stands where node-cron sees it`, async (t) => {
    inTimeZone(t, 'Asia/Kolkata'); // half an hour off, and no summer time
    assert.ok(plainFields(expression));
    const cron = await openCron([expression]);
    for (let n = 0; n < 40; n += 1) {
      const now = SUMMER_ENDS - 3 * 3_600_000 + n * 433_121 + (n % 10) * 97 * 86_400_000;
      at(t, now);
      assert.deepEqual(cron(expression), calendarPosition(expression), new Date(now).toISOString());
    }
  });
}

for (const expression of [
  '0 0 L * *',
  '0 0 15W * *',
  '0 0 * * 1#2',
  '0 0 * jan *',
  '0 0 * * mon',
  '0 0 */2 * *',
]) {
  test(`cron: ${expression} is left to node-cron`, async (t) => {
    at(t, SUMMER_ENDS);
    assert.equal(plainFields(expression), undefined);
    const cron = await openCron(['* * * * *', expression]);
    assert.deepEqual(cron(expression), calendarPosition(expression));
  });
}

test('cron: what never matches is said', async () => {
  const cron = await openCron(['0 0 30 2 *']);
  assert.throws(() => cron('0 0 30 2 *'), RangeError);
});

// node-cron itself leaves out the hour that comes twice: a host would not poll for an hour.
test('cron: polls go on through the end of summer time', async (t) => {
  inTimeZone(t, 'Europe/Berlin');
  const cron = await openCron(['*/5 * * * *']);
  for (let n = -30; n < 30; n += 1) {
    const now = SUMMER_ENDS + n * 5 * MINUTE;
    at(t, now);
    const want = { previous: now, next: now + 5 * MINUTE, intervalMs: 5 * MINUTE };
    assert.deepEqual(cron('*/5 * * * *'), want);
  }
});

/** In Berlin on a day that has the hour from 02:00 twice, and on one that does not have it. */
for (const [name, midnight, want] of [
  ['a run in the hour that comes twice takes place once', '2026-10-24T22:00:00Z', 2.5],
  ['a run in the hour that is left out takes place after it', '2026-03-28T23:00:00Z', 2.5],
] as const) {
  test(`cron: ${name}`, async (t) => {
    inTimeZone(t, 'Europe/Berlin');
    const cron = await openCron(['30 2 * * *']);
    const day = Date.parse(midnight);
    at(t, day);
    const { next } = cron('30 2 * * *');
    assert.equal((next - day) / 3_600_000, want);
    at(t, next);
    assert.equal(new Date(cron('30 2 * * *').next).getDate(), new Date(day).getDate() + 1);
  });
}
