import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePercent, parseSchedule } from '../../../../operator/commands/move/shares.ts';
import { CodedError } from '../../../../shared/coded-error.ts';

const isUsage = (error: unknown): error is CodedError =>
  error instanceof CodedError && error.code === 'USAGE';

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

const parsed = {
  '5% 1h, 25% 4h, 100%': {
    first: 500,
    steps: [
      [2500, 3600],
      [10_000, 14_400],
    ],
  },
  'as mm shows shares: 5 % 1h, 100 %': { first: 500, steps: [[10_000, 3600]] },
  '5%1h,100%': { first: 500, steps: [[10_000, 3600]] },
  '10%': { first: 1000, steps: [] },
};

for (const [name, { first, steps }] of Object.entries(parsed)) {
  test(`rollout: the schedule ${name}`, () => {
    const want = steps.map(([bp, afterSeconds]) => ({ bp, afterSeconds }));
    assert.deepEqual(parseSchedule(name.replace(/^.*: /, '')), { first, steps: want });
  });
}

/** The schedule, and what the message must say about the share that is wrong. */
const schedules: Record<string, readonly [string, RegExp]> = {
  'a share without a time before another one': ['5%, 25% 1h, 100%', /a time .*, found "5%"$/],
  'a time after the last share': ['5% 1h, 100% 1h', /last share, found "100% 1h"$/],
  'only a share with a time': ['5% 1h', /last share, found "5% 1h"$/],
  'a share that shrinks': ['25% 1h, 5% 1h, 100%', /more than 25 %, .*, found 5%$/],
  'the same share twice': ['5% 1h, 5% 1h, 100%', /more than 5 %, .*, found 5%$/],
  'a word in place of a time': ['5% soon, 100%', /a time .*, found "5% soon"$/],
  'a space in a time': ['5% 1 h, 100%', /a time .*, found "5% 1 h"$/],
  'a missing comma': ['5% 1h 100%', /found "5% 1h 100%"$/],
  'a time of years': ['5% 366d, 100%', /at most 365d, .*, found "5% 366d"$/],
  'a time of nothing': ['5% 0h, 100%', /a time .*, found "5% 0h"$/],
  'an empty part': ['5% 1h,, 100%', /percentage from .*, found ""$/],
  'a comma at the end': ['5% 1h, 100%,', /a time .*, found "100%"$/],
  nothing: ['', /percentage from .*, found ""$/],
  'more than all': ['5% 1h, 101%', /percentage from .*, found "101%"$/],
  'too many shares': [
    `${Array.from({ length: 60 }, (_, index) => `${index + 1}% 1h`).join(', ')}, 100%`,
    /at most 50 shares, found 61$/,
  ],
};

for (const [name, [text, says]] of Object.entries(schedules)) {
  test(`rollout: a schedule with ${name} is refused, and the next step is a whole schedule`, () => {
    assert.throws(
      () => parseSchedule(text),
      (error: unknown) => {
        assert.ok(isUsage(error));
        assert.match(error.message, says);
        assert.match(String(error.next), /^--schedule "5% 1h, .*100%"$/);
        return true;
      },
    );
  });
}
