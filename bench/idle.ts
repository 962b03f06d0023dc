import { PRICES } from '../operator/commands/cost/prices.ts';
import {
  type IdleDaemon,
  type IdleMinute,
  type IdleTime,
  NEVER,
  startIdleDaemon,
} from './daemon.ts';
import { type Lab, USERS } from './lab.ts';
import type { Operator } from './operator.ts';
import {
  atMost,
  below,
  exactly,
  type Figure,
  figure,
  type Group,
  type Row,
  rowsOf,
} from './rows.ts';
import { median } from './statistics.ts';
import { IDLE } from './workloads.ts';

/** Two real daemons: one polls every minute; one never polls and shows what keeping time costs. */
export interface IdleDaemons {
  /** Waits until they have been watched for that many minutes, and returns what they cost. */
  end(minutes: number, cycle: CycleCost): Promise<Group>;
}

/** What the cycles of a day add to the polls of a day. */
export interface CycleCost {
  readonly ownCpuMs: number | undefined;
}

const TITLE = 'The idle daemon';

/** Never throws: `end` returns what went wrong. */
export async function startIdleDaemons(lab: Lab, operator: Operator): Promise<IdleDaemons> {
  if (process.platform !== 'linux') {
    const row = { what: TITLE, why: 'only Linux says what it costs, in /proc', isFailure: false };
    return { end: async () => ({ title: TITLE, rows: [row] }) };
  }
  try {
    const [poller, keeper] = await start(lab, operator);
    return {
      async end(minutes, cycle) {
        const rows = await rowsOf(TITLE, async () => {
          const [polling, keeping] = await Promise.all([poller.end(minutes), keeper.end(minutes)]);
          return [...perPoll(polling), ...perDay(polling, keeping, cycle)];
        });
        return { title: TITLE, rows };
      },
    };
  } catch (error) {
    const rows = await rowsOf(TITLE, () => Promise.reject(error));
    return { end: async () => ({ title: TITLE, rows }) };
  }
}

async function start(lab: Lab, operator: Operator): Promise<readonly [IdleDaemon, IdleDaemon]> {
  const directory = await operator.source(IDLE.name);
  await IDLE.write(directory, lab.managedRoot);
  await operator.commit(directory);
  await operator.publish(IDLE);
  const daemon = async (name: 'poller' | 'keeper', poll: string): Promise<IdleDaemon> =>
    await startIdleDaemon(lab, operator, { name, user: USERS[name], poll });
  return [await daemon('poller', '* * * * *'), await daemon('keeper', NEVER)];
}

function perPoll({ minutes, privateMb, residentMb }: IdleTime): readonly Row[] {
  const polls = minutes.length + 1;
  return [
    figure(`private memory (RssAnon) after ${polls} idle polls`, 'MB', [privateMb], atMost(20)),
    figure(`resident memory after ${polls} idle polls`, 'MB', [residentMb], atMost(70), below(90)),
    figure('CPU of an idle poll', 'ms', each(minutes, 'pollCpuMs'), atMost(5)),
    // Each poll must keep this mark, so the worst poll is shown.
    figure('requests of an idle poll, most', '', [most(minutes, 'requests')], exactly(1)),
    figure('its response, most', 'B', [most(minutes, 'responseBytes')], below(1000)),
    figure('its request, most', 'B', [most(minutes, 'requestBytes')]),
  ];
}

function each(minutes: readonly IdleMinute[], field: keyof IdleMinute): readonly number[] {
  return minutes.map((minute) => minute[field]);
}

function most(minutes: readonly IdleMinute[], field: keyof IdleMinute): number {
  return Math.max(...each(minutes, field));
}

/**
 * The defaults: schedule.poll every 5 minutes, schedule.apply every 30, report.heartbeat 1 hour.
 */
const POLLS_A_DAY = 288;
const CYCLES_A_DAY = 48;
const STATUSES_A_DAY = 24;
const FACTS_A_DAY = 1;
const MINUTES_A_DAY = 1440;
const DAYS_A_MONTH = 365 / 12;

/**
 * In its first minutes a daemon's garbage collections are a large share of its CPU; fewer minutes
 * would show little else.
 */
const MINUTES_FOR_A_DAY = 4;

/** Extrapolated from medians. A daemon wakes once a minute, for a poll or to check the time. */
function perDay(polling: IdleTime, keeping: IdleTime, { ownCpuMs }: CycleCost): readonly Row[] {
  const { minutes } = polling;
  const row = (what: string, unit: Figure['unit'], ours: number): Figure => ({
    ...{ what, unit, ours, marks: [] },
    samples: minutes.length,
  });
  const bytes = median(each(minutes, 'requestBytes')) + median(each(minutes, 'responseBytes'));
  const { get, put } = PRICES.dollars;
  const dollars =
    ((POLLS_A_DAY + CYCLES_A_DAY) * get + (STATUSES_A_DAY + FACTS_A_DAY) * put) / 1000;
  return [
    ...cpuADay(polling, keeping, ownCpuMs).map(([what, seconds]) => row(what, 's', seconds)),
    row('bytes of polls a day, both ways', 'kB', (POLLS_A_DAY * bytes) / 1000),
    row('S3 requests of 1,000 hosts, a month', '$', dollars * 1000 * DAYS_A_MONTH),
  ];
}

/** CPU seconds a day, by what they include. */
function cpuADay(
  polling: IdleTime,
  keeping: IdleTime,
  ownCpuMs: number | undefined,
): readonly (readonly [string, number])[] {
  if (Math.min(polling.minutes.length, keeping.minutes.length) < MINUTES_FOR_A_DAY) return [];
  const pollMs = median(each(polling.minutes, 'pollCpuMs'));
  const wakeMs = median(each(keeping.minutes, 'cpuMs'));
  const idle = (POLLS_A_DAY * pollMs + (MINUTES_A_DAY - POLLS_A_DAY) * wakeMs) / 1000;
  const what = 'CPU a day, 288 polls and keeping time';
  if (ownCpuMs === undefined) return [[what, idle]];
  const cycles = (CYCLES_A_DAY * ownCpuMs) / 1000;
  return [
    [what, idle],
    ['CPU a day with 48 cycles too, Puppet not counted', idle + cycles],
  ];
}
