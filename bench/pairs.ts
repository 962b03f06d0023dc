import type { Contender } from './contender.ts';
import type { Lab } from './lab.ts';
import { type Cost, measure } from './measure.ts';
import type { Mark, Row } from './rows.ts';
import { median } from './statistics.ts';
import { assertReleased } from './workloads.ts';

/** How many pairs are measured, and for how long. */
export interface Limits {
  readonly pairs: number;
  /** At least this many, however long they take; by default 1. */
  readonly least?: number;
  /** No pair is started that would probably end after this time. */
  readonly seconds: number;
}

export interface Pair {
  readonly ours: Cost;
  readonly theirs: Cost;
}

/**
 * Measures A B A B: each of our runs is compared with the run of the other contender that follows
 * it, so that a machine that gets slower or faster during the measurement does not matter.
 * `isRelease`: a newer release comes before each run.
 */
export async function measurePairs(
  lab: Lab,
  [ours, theirs]: readonly [Contender, Contender],
  { pairs, least = 1, seconds, isRelease = false }: Limits & { readonly isRelease?: boolean },
): Promise<readonly Pair[]> {
  const startedAt = performance.now();
  const measured: Pair[] = [];
  const elapsed = (): number => (performance.now() - startedAt) / 1000;
  const hasTime = (): boolean => elapsed() * (1 + 1 / measured.length) <= seconds;
  while (measured.length < least || (measured.length < pairs && hasTime())) {
    lab.noise.sample();
    measured.push({
      ours: await run(lab, ours, isRelease),
      theirs: await run(lab, theirs, isRelease),
    });
  }
  return measured;
}

async function run(lab: Lab, contender: Contender, isRelease: boolean): Promise<Cost> {
  if (!isRelease) {
    const cost = await measure(contender.command, lab);
    await contender.check?.(cost, 'unchanged');
    return cost;
  }
  const text = `release ${lab.nextNumber()}`;
  await contender.release?.(text);
  const cost = await measure(contender.command, lab);
  await contender.check?.(cost, 'changed');
  await assertReleased(lab.managedRoot, text);
  return cost;
}

/** The two rows of a comparison: wall time, and CPU time with children. */
export function pairRows(
  what: string,
  pairs: readonly Pair[],
  marks: readonly Mark[] = [],
): readonly Row[] {
  return (['wall', 'cpu'] as const).map((kind) => {
    const seconds = (cost: Cost): number => cost[`${kind}Seconds`];
    return {
      what: `${what}, ${kind === 'cpu' ? 'CPU' : kind}`,
      unit: 's',
      ours: median(pairs.map((pair) => seconds(pair.ours))),
      theirs: median(pairs.map((pair) => seconds(pair.theirs))),
      ratios: pairs.map((pair) => seconds(pair.ours) / seconds(pair.theirs)),
      samples: pairs.length,
      marks,
    };
  });
}
