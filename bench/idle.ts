import { type IdleDaemon, type IdleTime, NEVER, startIdleDaemon } from './daemon.ts';
import { type Lab, USERS } from './lab.ts';
import type { Operator } from './operator.ts';
import { atMost, below, exactly, type Figure, type Group, type Mark, type Row } from './rows.ts';
import { IDLE } from './workloads.ts';

/** Two real daemons: one that polls every minute, one that never does and shows what keeping time costs. */
export interface IdleDaemons {
  /** Waits until they have been idle for so long, ends them, and says what they cost. */
  end(minutes: number, cycle: CycleCost): Promise<Group>;
}

/** What a day of runs adds to a day of polls. */
export interface CycleCost {
  readonly ownCpuMs: number | undefined;
}

export async function startIdleDaemons(lab: Lab, operator: Operator): Promise<IdleDaemons> {
  const directory = await operator.source(IDLE.name);
  await IDLE.write(directory, lab.managedRoot);
  await operator.commit(directory);
  await operator.publish(IDLE);
  const start = async (name: 'poller' | 'keeper', poll: string): Promise<IdleDaemon> =>
    await startIdleDaemon(lab, operator, { name, user: USERS[name], poll });
  const poller = await start('poller', '* * * * *');
  const keeper = await start('keeper', NEVER);
  return {
    async end(minutes, cycle) {
      const [polling, keeping] = await Promise.all([poller.end(minutes), keeper.end(minutes)]);
      return {
        title: `The idle daemon, after ${polling.polls + 1} idle polls`,
        rows: [...perPoll(polling), ...perDay(polling, keeping, cycle)],
      };
    },
  };
}

function perPoll(polling: IdleTime): readonly Row[] {
  const row = (what: string, unit: Figure['unit'], total: number, ...marks: Mark[]): Figure => ({
    what,
    unit,
    ours: total / polling.polls,
    samples: polling.polls,
    marks,
  });
  const memory = { unit: 'MB', samples: 1 } as const;
  return [
    { ...memory, what: 'private memory (RssAnon)', ours: polling.privateMb, marks: [atMost(20)] },
    {
      ...memory,
      what: 'resident memory',
      ours: polling.residentMb,
      marks: [atMost(70), below(90)],
    },
    row('CPU of an idle poll', 'ms', polling.cpuMs, atMost(5)),
    row('requests of an idle poll', 'requests', polling.requests, exactly(1)),
    row('response of an idle poll, headers included', 'B', polling.responseBytes, below(1000)),
    row('request of an idle poll, headers included', 'B', polling.requestBytes),
  ];
}

/** By default: schedule.poll every 5 minutes, schedule.apply every 30, report.heartbeat 1 hour. */
const POLLS_A_DAY = 288;
const CYCLES_A_DAY = 48;
const STATUSES_A_DAY = 24;
const FACTS_A_DAY = 1;
const WAKES_A_DAY = 1440;
const DAYS_A_MONTH = 365 / 12;

/** S3 Standard in us-east-1, list price, per request. A 304 is billed as any GET. */
const DOLLARS_PER_GET = 0.0004 / 1000;
const DOLLARS_PER_PUT = 0.005 / 1000;

/** Extrapolated. A daemon wakes once a minute, for a poll or to look at the time. */
function perDay(polling: IdleTime, keeping: IdleTime, { ownCpuMs }: CycleCost): readonly Row[] {
  const row = (what: string, unit: Figure['unit'], ours: number): Figure => ({
    what,
    unit,
    ours,
    samples: polling.polls,
    marks: [],
  });
  const pollMs = polling.cpuMs / polling.polls;
  const wakeMs = keeping.cpuMs / keeping.minutes;
  const idleSeconds = (POLLS_A_DAY * pollMs + (WAKES_A_DAY - POLLS_A_DAY) * wakeMs) / 1000;
  const bytes = (polling.requestBytes + polling.responseBytes) / polling.polls;
  const dollars =
    (POLLS_A_DAY + CYCLES_A_DAY) * DOLLARS_PER_GET +
    (STATUSES_A_DAY + FACTS_A_DAY) * DOLLARS_PER_PUT;
  return [
    row('CPU a day, idle: 288 polls and keeping time', 's', idleSeconds),
    ...(ownCpuMs === undefined
      ? []
      : [
          row(
            'CPU a day with 48 cycles, Puppet not counted',
            's',
            idleSeconds + (CYCLES_A_DAY * ownCpuMs) / 1000,
          ),
        ]),
    row('polls a day, both ways', 'kB', (POLLS_A_DAY * bytes) / 1000),
    row('S3 requests of 1,000 hosts, a month', '$', dollars * 1000 * DAYS_A_MONTH),
  ];
}
