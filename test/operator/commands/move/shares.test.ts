import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePercent, parseSchedule } from '../../../../operator/commands/move/shares.ts';
import { CodedError } from '../../../../shared/coded-error.ts';

const isUsage = (error: unknown) => error instanceof CodedError && error.code === 'USAGE';

const percents: Record<string, number | undefined> = {
  '5': 500,
  '5%': 500,
  '5 %': 500,
  '0.25%': 25,
  '100%': 10_000,
  '0.01': 1,
  '0': undefined,
  '0.001': undefined,
  '100.01': undefined,
  '-5': undefined,
  '5,5': undefined,
  half: undefined,
  '': undefined,
};

for (const [text, want] of Object.entries(percents)) {
  test(`rollout: --percent ${JSON.stringify(text)} is ${want ?? 'refused'}`, () => {
    if (want !== undefined) assert.equal(parsePercent(text, '--percent'), want);
    else assert.throws(() => parsePercent(text, '--percent'), isUsage);
  });
}

test('rollout: a schedule is shares, each but the last with the time until the next', () => {
  assert.deepEqual(parseSchedule('5% 1h, 25% 4h, 100%'), {
    first: 500,
    steps: [
      { bp: 2500, afterSeconds: 3600 },
      { bp: 10_000, afterSeconds: 14_400 },
    ],
  });
  assert.deepEqual(parseSchedule('10 %'.replace(' ', '')), { first: 1000, steps: [] });
});

const schedules = {
  'a share without a time before another one': '5%, 100%',
  'a time after the last share': '5% 1h, 100% 1h',
  'a share that shrinks': '25% 1h, 5% 1h, 100%',
  'the same share twice': '5% 1h, 5% 1h, 100%',
  'a word in place of a time': '5% soon, 100%',
  'a time of nothing': '5% 0h, 100%',
  'an empty part': '5% 1h,, 100%',
  nothing: '',
  'more than all': '5% 1h, 101%',
  'too many steps': `${Array.from({ length: 60 }, (_, index) => `${index + 1}% 1h`).join(', ')}, 100%`,
};

for (const [name, text] of Object.entries(schedules)) {
  test(`rollout: a schedule with ${name} is refused`, () => {
    assert.throws(() => parseSchedule(text), isUsage);
  });
}
