import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { slotMs } from '../agent/core/schedule.ts';
import { idlePuppet, installHost } from './host.ts';
import type { Lab, User } from './lab.ts';
import { endGroup } from './measure.ts';
import type { Operator } from './operator.ts';
import { IDLE } from './workloads.ts';

/** A schedule that is not due during a measurement. */
export const NEVER = '0 0 29 2 *';

/** One minute of an idle daemon, its poll in it, if it polls. */
export interface IdleMinute {
  /** CPU in the seconds around the poll, and in the whole minute, ms. */
  readonly pollCpuMs: number;
  readonly cpuMs: number;
  /** What the server received and sent. */
  readonly requests: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface IdleTime {
  readonly minutes: readonly IdleMinute[];
  /** MB at the end: private memory, and resident memory, which includes what it shares. */
  readonly privateMb: number;
  readonly residentMb: number;
}

/** Runs until the lab is closed. */
export interface IdleDaemon {
  /** Waits until it has been measured for that many minutes, then ends the measurement. */
  end(minutes: number): Promise<IdleTime>;
}

/**
 * The real daemon, watched while everything else is measured. It polls at most once a minute, so it
 * has polled about as often as minutes have passed. The minute of the first poll does not count,
 * because that poll loads its code.
 */
export async function startIdleDaemon(
  lab: Lab,
  operator: Operator,
  { name, user, poll }: { readonly name: string; readonly user: User; readonly poll: string },
): Promise<IdleDaemon> {
  const schedule = `schedule: { poll: '${poll}', apply: '${NEVER}' }`;
  const config = `${schedule}\nrun: { puppet: ${await idlePuppet(lab)} }\n`;
  const host = await installHost(lab, operator, { name, environment: IDLE.name, user, config });
  await using log = await open(`${host.root}/log`, 'w');
  const [program, ...words] = lab.programs.daemon;
  const child = spawn(program, [...words, '--root', host.root], {
    cwd: '/',
    env: host.environment,
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  lab.closing.defer(async () => {
    endGroup(pid);
    await ended;
  });
  await firstCycleEnded(lab, user);
  return new Watch(lab, user, pid, slotMs(host.certname, 60_000));
}

/** The first turn runs a cycle in a child, which ends by writing the status to the bucket. */
async function firstCycleEnded(lab: Lab, user: User): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!requestsOf(lab, user).some(({ method, status }) => method === 'PUT' && status === 200)) {
    if (Date.now() > deadline) throw new Error('the daemon sent no status within a minute');
    await sleep(250, undefined, { signal: lab.stop });
  }
}

const BEFORE_POLL_MS = 1000;
const AFTER_POLL_MS = 4000;

class Watch implements IdleDaemon {
  readonly #lab: Lab;
  readonly #user: User;
  readonly #pid: number;
  readonly #slot: number;
  readonly #minutes: IdleMinute[] = [];
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  /** `slot`: the daemon polls this many ms after each full minute. */
  constructor(lab: Lab, user: User, pid: number, slot: number) {
    this.#lab = lab;
    this.#user = user;
    this.#pid = pid;
    this.#slot = slot;
    this.#watching = this.#watch();
    this.#watching.catch(() => undefined); // end() reports it
  }

  async end(minutes: number): Promise<IdleTime> {
    while (this.#minutes.length < minutes) {
      await Promise.race([this.#watching, sleep(500, undefined, { signal: this.#lab.stop })]);
    }
    this.#over.abort();
    await this.#watching.catch((error: unknown) => {
      if (!this.#over.signal.aborted) throw error;
    });
    return { minutes: this.#minutes, ...(await memory(this.#pid)) };
  }

  async #watch(): Promise<void> {
    const signal = AbortSignal.any([this.#over.signal, this.#lab.stop]);
    const until = async (at: number): Promise<Look> => {
      await sleep(Math.max(0, at - Date.now()), undefined, { signal });
      return await look(this.#lab, this.#user, this.#pid);
    };
    const now = Date.now() - this.#slot;
    // The next poll is the first one, which does not count.
    let pollAt = Math.ceil((now + BEFORE_POLL_MS) / 60_000) * 60_000 + this.#slot;
    let before: Look | undefined;
    for (; ; pollAt += 60_000) {
      const after = await until(pollAt + AFTER_POLL_MS);
      const next = await until(pollAt + 60_000 - BEFORE_POLL_MS);
      if (before !== undefined) this.#minutes.push(minuteOf(before, after, next));
      before = next;
    }
  }
}

function minuteOf(before: Look, afterPoll: Look, next: Look): IdleMinute {
  return {
    pollCpuMs: afterPoll.cpuMs - before.cpuMs,
    cpuMs: next.cpuMs - before.cpuMs,
    requests: next.requests - before.requests,
    requestBytes: next.requestBytes - before.requestBytes,
    responseBytes: next.responseBytes - before.responseBytes,
  };
}

interface Look {
  readonly requests: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly cpuMs: number;
}

async function look(lab: Lab, user: User, pid: number): Promise<Look> {
  const requests = requestsOf(lab, user);
  return {
    requests: requests.length,
    requestBytes: requests.reduce((sum, { requestBytes }) => sum + requestBytes, 0),
    responseBytes: requests.reduce((sum, { responseBytes }) => sum + responseBytes, 0),
    cpuMs: await cpuMs(pid),
  };
}

/** CPU of all threads, from the scheduler: /proc/<pid>/stat counts in steps of 10 ms. */
async function cpuMs(pid: number): Promise<number> {
  let nanoseconds = 0;
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    nanoseconds += Number(text.split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

async function memory(pid: number): Promise<Pick<IdleTime, 'privateMb' | 'residentMb'>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { privateMb: megabytes('RssAnon'), residentMb: megabytes('VmRSS') };
}

function requestsOf({ server }: Lab, { accessKeyId }: User) {
  return server.requests.filter((request) => request.accessKeyId === accessKeyId);
}
