import type { Contender } from './contender.ts';
import { type OwnContender, ownContender } from './host.ts';
import { type Lab, USERS } from './lab.ts';
import type { Operator } from './operator.ts';
import { type Limits, measurePairs, pairRows } from './pairs.ts';
import type { Plan } from './plan.ts';
import {
  ANSIBLE_PULL,
  bareApply,
  originalCycle,
  PULL_CYCLE,
  type Rival,
  SYNC_CYCLE,
} from './rivals.ts';
import { atMost, below, figure, type Group, type Mark, type Row, rowsOf } from './rows.ts';
import { median } from './statistics.ts';
import { howToInstall, isInstalled } from './tools.ts';
import { EMPTY, HUNDRED, THOUSAND, type Workload } from './workloads.ts';

export interface Bench {
  readonly lab: Lab;
  readonly operator: Operator;
  readonly plan: Plan;
  /** Shows the progress to the person who waits. */
  say(line: string): void;
}

export interface CycleFigures {
  readonly groups: readonly Group[];
  /**
   * CPU of the agent's own process in a cycle with nothing to change; undefined without a sample.
   */
  readonly ownCpuMs: number | undefined;
}

/** Whole cycles, compared with what a user would run instead. */
export async function cycles(bench: Bench): Promise<CycleFigures> {
  const hundred = await hundredResources(bench);
  const others = [];
  for (const workload of [EMPTY, THOUSAND]) others.push(...(await againstBare(bench, workload)));
  return {
    ...hundred,
    groups: [
      ...hundred.groups.slice(0, 1),
      { title: 'Nothing to change, other sizes', rows: others },
      ...hundred.groups.slice(1),
    ].filter(({ rows }) => rows.length > 0),
  };
}

async function againstBare(bench: Bench, workload: Workload): Promise<readonly Row[]> {
  const limits = bench.plan[workload === EMPTY ? 'empty' : 'thousand'];
  const { title } = workload;
  if (limits === undefined) return [];
  bench.say(`${title} / puppet apply`);
  return await rowsOf(title, async () => {
    const ours = await ownContender(bench.lab, bench.operator, workload);
    const theirs = await bareApply(workload).prepare(bench.lab, bench.operator);
    const pairs = await measurePairs(bench.lab, [ours, theirs], limits);
    return pairRows(`${title} / puppet apply`, pairs);
  });
}

async function hundredResources(bench: Bench): Promise<CycleFigures> {
  const { lab, operator } = bench;
  bench.say('a first release of 100 resources');
  const ours = await ownContender(lab, operator, HUNDRED);
  const before = lab.server.requests.length;
  const comparisons = await prepareAll(bench);
  const idle = await idleRows(bench, ours, comparisons);
  const cyclesDone = ours.ownCpuMs.length;
  const ownCpuMs = cyclesDone === 0 ? undefined : median(ours.ownCpuMs);
  const asked = lab.server.requests.slice(before).filter(isMachine).length;
  const own = [
    figure("the agent's own CPU, Puppet not counted", 'ms', ours.ownCpuMs, atMost(200)),
    figure('requests of a cycle, mean', '', cyclesDone === 0 ? [] : [asked / cyclesDone]),
  ];
  const released = await releaseRows(bench, ours, comparisons);
  return {
    ownCpuMs,
    groups: [
      { title: 'Nothing to change, 100 resources: mm-agent --once / ...', rows: [...idle, ...own] },
      { title: 'A new release, one file changed: mm-agent --once / ...', rows: released },
    ],
  };
}

function isMachine({ accessKeyId }: { readonly accessKeyId: string | undefined }): boolean {
  return accessKeyId === USERS.machine.accessKeyId;
}

interface Comparison {
  readonly rival: Rival;
  readonly idle: Limits | undefined;
  readonly released: Limits | undefined;
  readonly marks: readonly Mark[];
  /** The contender, or why it could not be set up. */
  readonly theirs: Contender | { readonly why: string; readonly isFailure: boolean };
}

async function prepareAll(bench: Bench): Promise<readonly Comparison[]> {
  const { hundred, original, others, ansible, firstReleases, otherReleases } = bench.plan;
  const other = { idle: others, released: otherReleases, marks: [] };
  const asked = [
    { rival: bareApply(HUNDRED), idle: hundred, released: undefined, marks: [atMost(0.8)] },
    {
      rival: originalCycle('s3cmd'),
      idle: original,
      released: firstReleases,
      marks: [atMost(0.6), below(1)],
    },
    { ...other, rival: originalCycle('aws') },
    { ...other, rival: SYNC_CYCLE },
    { ...other, rival: PULL_CYCLE },
    { rival: ANSIBLE_PULL, idle: ansible, released: undefined, marks: [] },
  ].filter(({ idle }) => idle !== undefined);
  const ready: Comparison[] = [];
  for (const comparison of asked) {
    ready.push({ ...comparison, theirs: await prepare(bench, comparison.rival) });
  }
  return ready;
}

async function prepare(bench: Bench, rival: Rival): Promise<Comparison['theirs']> {
  if (rival.tool !== undefined && !(await isInstalled(rival.tool)))
    return { why: howToInstall(rival.tool), isFailure: false };
  bench.say(`making ready: ${rival.name}`);
  try {
    return await rival.prepare(bench.lab, bench.operator);
  } catch (error) {
    bench.lab.stop.throwIfAborted();
    return { why: error instanceof Error ? error.message : String(error), isFailure: true };
  }
}

async function idleRows(
  bench: Bench,
  ours: OwnContender,
  comparisons: readonly Comparison[],
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { rival, theirs, idle, marks } of comparisons) {
    if (idle !== undefined)
      rows.push(
        ...(await compare(bench, [ours, theirs], { what: rival.name, limits: idle, marks })),
      );
  }
  return rows;
}

async function releaseRows(
  bench: Bench,
  ours: OwnContender,
  comparisons: readonly Comparison[],
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { rival, theirs, released } of comparisons) {
    if (released === undefined) continue;
    const limits = { ...released, isRelease: true };
    rows.push(...(await compare(bench, [ours, theirs], { what: rival.name, limits, marks: [] })));
  }
  return rows;
}

async function compare(
  bench: Bench,
  [ours, theirs]: readonly [Contender, Comparison['theirs']],
  {
    what,
    limits,
    marks,
  }: {
    readonly what: string;
    readonly limits: Limits & { readonly isRelease?: boolean };
    readonly marks: readonly Mark[];
  },
): Promise<readonly Row[]> {
  if ('why' in theirs) return [{ what, ...theirs }];
  bench.say(`${limits.isRelease ? 'a new release' : 'nothing to change'} / ${what}`);
  return await rowsOf(what, async () =>
    pairRows(what, await measurePairs(bench.lab, [ours, theirs], limits), marks),
  );
}
