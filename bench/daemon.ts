import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { slotMs } from '../agent/core/schedule.ts';
import { idlePuppet, installHost } from './host.ts';
import { type Lab, type User } from './lab.ts';
import { endGroup } from './measure.ts';
import type { Operator } from './operator.ts';
import { IDLE } from './workloads.ts';

/** What an idle daemon did between two looks at it. */
export interface IdleTime {
  readonly minutes: number;
  /** Polls that its schedule asks for in that time. */
  readonly polls: number;
  /** What the server saw of it. */
  readonly requests: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly cpuMs: number;
  /** At the end, in MB: what belongs to it alone, and with what it shares. */
  readonly privateMb: number;
  readonly residentMb: number;
}

export interface IdleDaemon {
  /** Waits for at least this many minutes since its start, and ends it. */
  end(minutes: number): Promise<IdleTime>;
}

/**
 * The real daemon, left alone while everything else is measured. It may poll once a minute and not more often, so that
 * it has seen as many polls as minutes have passed. The first of them is not counted: the code that a poll needs is
 * loaded with it.
 */
export async function startIdleDaemon(
  lab: Lab,
  operator: Operator,
  { name, user, poll }: { readonly name: string; readonly user: User; readonly poll: string },
): Promise<IdleDaemon> {
  const schedule = `schedule: { poll: '${poll}', apply: '${NEVER}' }`;
  const config = `${schedule}\nrun: { puppet: ${await idlePuppet(lab)} }\n`;
  const environment = IDLE.name;
  const host = await installHost(lab, operator, { name, environment, user, config });
  await using log = await open(`${host.root}/log`, 'w');
  const child = spawn(lab.programs.agent, ['--root', host.root], {
    cwd: '/',
    env: host.environment,
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const stop = (): void => endGroup(pid);
  lab.stop.addEventListener('abort', stop, { once: true });
  await firstCycleEnded(lab, user);
  const startedAt = Date.now();
  const isPolling = poll !== NEVER;
  const first = settled(lab, user, isPolling ? 1 : 0).then(() => look(lab, user, pid));
  first.catch(() => undefined); // said by end()
  return {
    async end(minutes) {
      try {
        const left = startedAt + minutes * 60_000 - Date.now();
        await sleep(Math.max(0, left), undefined, { signal: lab.stop });
        const before = await first;
        await settled(lab, user, 0);
        const slot = isPolling ? slotMs(host.certname, 60_000) : undefined;
        return difference(before, await look(lab, user, pid), slot);
      } finally {
        stop();
        await ended;
      }
    },
  };
}

/** A schedule that does not come up while anybody measures. */
export const NEVER = '0 0 29 2 *';

/** The first turn runs a cycle in a child; it ends with the status in the bucket. */
async function firstCycleEnded(lab: Lab, user: User): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!requestsOf(lab, user).some(({ method, status }) => method === 'PUT' && status === 200)) {
    if (Date.now() > deadline) throw new Error('the daemon sent no status within a minute');
    await sleep(250, undefined, { signal: lab.stop });
  }
}

const QUIET_MS = 5000;

/** Waits until it has asked so many times more, and then nothing for some seconds: it lies between two polls. */
async function settled(lab: Lab, user: User, more: number): Promise<void> {
  const wanted = requestsOf(lab, user).length + more;
  for (let count = -1, quietSince = 0; ; ) {
    const { length } = requestsOf(lab, user);
    if (length !== count) quietSince = Date.now();
    if (length >= wanted && Date.now() - quietSince >= QUIET_MS) return;
    count = length;
    await sleep(500, undefined, { signal: lab.stop });
  }
}

interface Look {
  readonly at: number;
  readonly requests: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly cpuMs: number;
  readonly privateMb: number;
  readonly residentMb: number;
}

async function look(lab: Lab, user: User, pid: number): Promise<Look> {
  const requests = requestsOf(lab, user);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return {
    at: Date.now(),
    requests: requests.length,
    requestBytes: requests.reduce((sum, { requestBytes }) => sum + requestBytes, 0),
    responseBytes: requests.reduce((sum, { responseBytes }) => sum + responseBytes, 0),
    cpuMs: await cpuMs(pid),
    privateMb: megabytes('RssAnon'),
    residentMb: megabytes('VmRSS'),
  };
}

/** Of all threads, by the scheduler's own clock: /proc/<pid>/stat counts in steps of 10 ms. */
async function cpuMs(pid: number): Promise<number> {
  let nanoseconds = 0;
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    nanoseconds += Number(text.split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

function difference(before: Look, now: Look, slot: number | undefined): IdleTime {
  const pollsUntil = (at: number): number =>
    slot === undefined ? 0 : Math.floor((at - slot) / 60_000);
  return {
    minutes: (now.at - before.at) / 60_000,
    polls: pollsUntil(now.at) - pollsUntil(before.at),
    requests: now.requests - before.requests,
    requestBytes: now.requestBytes - before.requestBytes,
    responseBytes: now.responseBytes - before.responseBytes,
    cpuMs: now.cpuMs - before.cpuMs,
    privateMb: now.privateMb,
    residentMb: now.residentMb,
  };
}

function requestsOf({ server }: Lab, { accessKeyId }: User) {
  return server.requests.filter((request) => request.accessKeyId === accessKeyId);
}
