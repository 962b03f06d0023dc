import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openCron } from '../../../agent/io/cron.ts';
import { calendarPosition } from '../../../agent/io/cron-calendar.ts';

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

// node-cron is right by definition: what is worked out without it must be the same, at any time.
for (const expression of [
  '* * * * *',
  '*/5 * * * *',
  '*/7 * * * *',
  '*/30 * * * *',
  '*/59 * * * *',
  '0 * * * *',
  '59 * * * *',
  '7,37 * * * *',
  '37,7,7 * * * *',
  '0,10 * * * *',
  ' */5  *  *  *  * ',
]) {
  test(`cron: ${expression} stands where node-cron sees it`, async (t) => {
    inTimeZone(t, 'Asia/Kolkata'); // half an hour off
    const cron = await openCron([expression]);
    for (let n = 0; n < 50; n += 1) {
      const now = SUMMER_ENDS - 3 * 3_600_000 + n * 433_121; // six hours, at odd seconds
      at(t, now);
      assert.deepEqual(cron(expression), calendarPosition(expression), new Date(now).toISOString());
    }
  });
}

for (const expression of [
  '0 3 * * *',
  '*/5 8-18 * * *',
  '5-10 * * * *',
  '0 0 29 2 *',
  '*/5 * * * 1-5',
  '*/60 * * * *',
]) {
  test(`cron: ${expression} is left to node-cron`, async (t) => {
    at(t, SUMMER_ENDS);
    const cron = await openCron(['* * * * *', expression]);
    assert.deepEqual(cron(expression), calendarPosition(expression));
  });
}

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
