import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import {
  openStores,
  Play,
  type RandomFault,
  type Step,
  TARGETS,
  WAYS,
} from '../support/faulty-play.ts';
import { checkProperty } from '../support/fuzz.ts';
import type { Turn } from '../support/host-in-process.ts';
import { FAULT_KINDS } from '../support/s3/fault-kinds.ts';
import { IS_SOAK } from '../support/soak.ts';

const rarely = <T>(often: T, others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(often) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );
const fault: fc.Arbitrary<RandomFault> = fc.record({
  kind: fc.constantFrom(...Object.keys(FAULT_KINDS)),
  target: fc.constantFrom(...(Object.keys(TARGETS) as (keyof typeof TARGETS)[])),
  times: fc.constantFrom(1, 2, 99),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('publish' as const), rotates: rarely(false, [true]) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      trigger: rarely<Turn['trigger']>('poll', ['asked', 'apply', 'start']),
      way: rarely<(typeof WAYS)[number]>('open', WAYS),
      faults: fc.array(fault, { maxLength: 3 }),
      isLight: rarely(true, [false]),
      attempts: fc.constantFrom(1, 2),
      minutes: fc.constantFrom(1, 5, 30, 90, 1500),
      publishesAt: rarely<number | undefined>(undefined, [2, 3, 4, 5, 6]),
    }),
  },
);
const sequence = fc.array(step, { minLength: 3, maxLength: 10, size: 'max' });

async function check(t: TestContext, all: number, isPuppetReal: boolean): Promise<void> {
  const stores = await openStores(t);
  let runs = 0;
  const holds = async (steps: readonly Step[]): Promise<void> => {
    using play = new Play(stores, isPuppetReal);
    try {
      // A run of the real Puppet takes seconds.
      for (const each of isPuppetReal ? steps.slice(0, 4) : steps) {
        if (each.do === 'publish') play.publish(each.rotates);
        else await play.turn(each);
      }
      await play.end();
    } catch (error) {
      throw new Error(`the host said:\n${play.said()}`, { cause: error });
    }
    runs += play.runs;
  };
  await checkProperty(t, sequence, holds, all);
  t.diagnostic(`${runs} runs of Puppet`);
}

test('s3 faults: always on a verified release, each cycle reports, and in the end the newest runs', async (t) => {
  await check(t, IS_SOAK ? 1000 : 50, false);
});

if (IS_SOAK) {
  test('s3 faults: the same with the real Puppet', async (t) => {
    await check(t, 5, true);
  });
}

test('s3 faults: after an outage the first cycle reports it, though all is as it was before', async (t) => {
  using play = new Play(await openStores(t), false);
  const turn = { do: 'turn', trigger: 'asked', isLight: true, attempts: 1, minutes: 1 } as const;
  const open = { ...turn, way: 'open', faults: [], publishesAt: undefined } as const;
  await play.turn(open);
  const { writtenAt } = play.sentStatus();
  await play.turn({ ...open, way: 'refused' });
  assert.equal(play.sentStatus().writtenAt, writtenAt);
  await play.turn(open);
  assert.equal(play.sentStatus().offline.runs, 2);
  await play.turn(open);
  assert.equal(play.sentStatus().offline.runs, 2, 'and it is not sent again');
});

test('s3 faults: a status does not wait for facts that the bucket refuses', async (t) => {
  using play = new Play(await openStores(t), false);
  const turn = { do: 'turn', trigger: 'poll', way: 'open', isLight: true, attempts: 1 } as const;
  const faults = [{ kind: 'AccessDenied', target: 'the facts', times: 99 }] as const;
  await play.turn({ ...turn, faults, minutes: 1, publishesAt: undefined });
  assert.equal(play.sentStatus().run?.status, 'unchanged');
  assert.equal(play.sentStatus().factsDigest, null);
  await play.end();
  assert.notEqual(play.sentStatus().factsDigest, null);
});
