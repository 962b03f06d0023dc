import { join } from 'node:path';
import { GUARDS } from './all-guards.ts';
import { copyCheckout, mutate, type Workplace } from './checkout.ts';
import type { Guard } from './guards.ts';
import { INVARIANTS } from './invariants.ts';
import { runTests } from './run-tests.ts';

/**
 * Removes one guard after the other, in copies of the checkout, and expects its test to fail.
 * Exits with 1 when a test passes without its guard or fails with it, when a guard's line does not
 * occur exactly once, or when an invariant has no guard. Arguments select rows:
 * `npm run test:guards -- I10 fetcher.ts`.
 */
const WORKERS = 2;

interface Verdict {
  readonly guard: Guard;
  readonly seconds: number;
  /** Undefined: the test fails without the guard, as it must. */
  readonly problem: string | undefined;
}

// Exiting runs the listeners that remove the copies and end the tests.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const words = process.argv.slice(2);
const chosen = GUARDS.filter(
  ({ invariant, file }) =>
    words.length === 0 || words.some((word) => word === invariant || file.endsWith(word)),
);
const unguarded = Object.keys(INVARIANTS).filter(
  (name) => !GUARDS.some(({ invariant }) => invariant === name),
);
const verdicts = await judgeAll(chosen);
for (const verdict of verdicts) console.log(tableLine(verdict));
const bad = verdicts.filter(({ problem }) => problem !== undefined);
console.log(
  `${verdicts.length - bad.length} of ${verdicts.length} guards are missed when taken out`,
);
for (const name of unguarded) console.log(`${name} has no guard here: ${INVARIANTS[name]}`);
process.exitCode = bad.length > 0 || unguarded.length > 0 || verdicts.length === 0 ? 1 : 0;

async function judgeAll(guards: readonly Guard[]): Promise<Verdict[]> {
  await using first = await copyCheckout();
  await using second = await copyCheckout();
  const untouched = await failingWithoutMutation(first, guards);
  const waiting = [...guards.entries()];
  const found: [number, Verdict][] = [];
  const work = async (place: Workplace) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, guard] = next;
      found.push([index, await judge(place, guard, untouched)]);
      process.stderr.write('.');
    }
  };
  await Promise.all([first, second].slice(0, WORKERS).map(work));
  process.stderr.write('\n');
  return found.sort(([a], [b]) => a - b).map(([, verdict]) => verdict);
}

/**
 * Without this check, a test that never passes, or a name that no test has, would prove any guard.
 */
async function failingWithoutMutation(
  { directory }: Workplace,
  guards: readonly Guard[],
): Promise<ReadonlyMap<Guard, string>> {
  const problems = new Map<Guard, string>();
  for (const file of new Set(guards.map(({ test }) => test))) {
    const rows = guards.filter(({ test }) => test === file);
    const names = [...new Set(rows.map(({ name }) => name))];
    const results = await runTests({ directory, file, name: names.join('|') });
    for (const row of rows) {
      const own = results.filter(({ name }) => new RegExp(row.name).test(name));
      if (own.length === 0) problems.set(row, `no test of ${file} is called ${row.name}`);
      const failed = own.find(({ isGood }) => !isGood);
      if (failed) problems.set(row, `fails with the guard in place: ${failed.name}`);
    }
  }
  return problems;
}

async function judge(
  { directory }: Workplace,
  guard: Guard,
  untouched: ReadonlyMap<Guard, string>,
): Promise<Verdict> {
  const startedAt = performance.now();
  const problem = untouched.get(guard) ?? (await problemOf(directory, guard));
  return { guard, seconds: (performance.now() - startedAt) / 1000, problem };
}

async function problemOf(directory: string, guard: Guard): Promise<string | undefined> {
  const mutation = await mutate(join(directory, guard.file), guard);
  if (mutation.kind === 'not-once') return `the line is there ${mutation.times} times, wanted 1`;
  await using _ = mutation;
  const results = await runTests({ directory, file: guard.test, name: guard.name });
  const pattern = new RegExp(guard.name);
  const own = results.filter(({ name }) => pattern.test(name));
  if (own.length === 0) return 'the mutated file does not load';
  return own.every(({ isGood }) => isGood) ? 'SURVIVES: no test noticed' : undefined;
}

function tableLine({ guard, seconds, problem }: Verdict): string {
  const { invariant, file, line, name } = guard;
  const where = `${file}: ${line.trim().split('\n')[0]?.slice(0, 60)}`;
  const end = problem ?? `missed by "${name}"`;
  return `${invariant.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s  ${where}\n${' '.repeat(20)}${end}`;
}
