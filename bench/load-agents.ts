import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Agent } from '../agent/agent.ts';
import { Config } from '../agent/config/config.ts';
import type { Prefetched } from '../agent/core/poll-result.ts';
import { dueAfter } from '../agent/core/schedule.ts';
import { type HostState, NO_STATE } from '../agent/core/state.ts';
import { cycle } from '../agent/cycle.ts';
import { systemClock } from '../agent/io/clock.ts';
import { hostPaths } from '../agent/paths.ts';
import type { Log, Puppet } from '../agent/ports.ts';
import { poll } from '../agent/steps/poll.ts';
import type { HostBucket } from '../bucket/bucket.ts';
import { sampleStatus } from '../test/support/status-sample.ts';
import { askAsACycle } from './load-asking.ts';
import { ENVIRONMENT, PLACE } from './load-server.ts';

/** What the hosts share. */
export interface Fleet {
  readonly folder: string;
  readonly root: Uint8Array;
  /** Connections, shared by all hosts: two cores cannot serve 5,000 of them. */
  readonly buckets: readonly HostBucket[];
  readonly stop: AbortSignal;
  /** How long the poll interval of 5 minutes takes in this test, ms. */
  intervalMs: number;
  /** Allows a few cycles at a time: with 5,000 at once on two cores, all would be late. */
  readonly turnstile: Turnstile;
  /** What agents logged as warnings or errors. */
  readonly problems: string[];
  /** How many ms after its slot each poll began. */
  readonly lateMs: number[];
}

/** A host: the agent's own poll and cycle in a separate folder, without Puppet. */
export interface SimulatedHost {
  readonly agent: Agent;
  state: HostState;
  /** False: the host only sends the requests of a cycle. */
  isWhole: boolean;
  /** The newest release that it applied, and when the poll that found it was due, ms since 1970. */
  applied: { readonly version: string; readonly dueAt: number } | undefined;
}

export function newHost(fleet: Fleet, number: number): SimulatedHost {
  const name = `host-${number}`;
  const config = Config.parse({ ...PLACE, certname: `${name}.example.com` });
  const host: SimulatedHost = {
    state: NO_STATE,
    isWhole: true,
    applied: undefined,
    agent: {
      identity: {
        certname: `${name}.example.com`,
        tree: PLACE.tree,
        environment: ENVIRONMENT,
        groups: [],
        hostId: null,
        agentVersion: '0.1.0',
        nodeVersion: process.versions.node,
      },
      config,
      paths: hostPaths({ platform: 'linux', root: join(fleet.folder, name) }),
      packagedRoot: fleet.root,
      packagedSeeds: undefined,
      ports: {
        clock: systemClock,
        log: problemsOnly(fleet.problems, name),
        bucket: fleet.buckets[number % fleet.buckets.length] as HostBucket,
        puppet: NO_PUPPET,
        hooks: { has: () => false, run: async () => [] },
        state: {
          load: async () => host.state,
          save: async (state) => {
            host.state = state;
          },
        },
        history: { add: () => undefined },
        condition: async () => undefined,
        vitals: async () => sampleStatus.vitals,
      },
    },
  };
  return host;
}

/**
 * Makes hosts from what the first one installed: its folder, linked file by file, and its state.
 */
export async function cloneHosts(
  fleet: Fleet,
  first: SimulatedHost,
  count: number,
): Promise<SimulatedHost[]> {
  await take(fleet, first, undefined);
  const hosts = Array.from({ length: count - 1 }, (_, index) => newHost(fleet, index + 1));
  // The agent replaces files only by rename, so hosts can share them.
  const script = 'cd "$1" && for n in $(seq 1 "$2"); do cp -al host-0 "host-$n" || exit 1; done';
  const words = ['-c', script, 'clone', fleet.folder, String(count - 1)];
  await promisify(execFile)('sh', words, { signal: fleet.stop });
  for (const host of hosts) host.state = first.state;
  return [first, ...hosts];
}

const POLL_INTERVAL_MS = 5 * 60_000;

/** Polls in its slot, by the agent's own schedule, until the signal aborts. */
export async function live(fleet: Fleet, host: SimulatedHost): Promise<void> {
  const { stop, intervalMs } = fleet;
  const compression = POLL_INTERVAL_MS / intervalMs;
  const { certname } = host.agent.identity;
  while (!stop.aborted) {
    const now = Date.now();
    // The time of the simulated hosts, which runs faster from the same start.
    const virtual = now * compression;
    const previous = Math.floor(virtual / POLL_INTERVAL_MS) * POLL_INTERVAL_MS;
    const position = { previous, next: previous + POLL_INTERVAL_MS, intervalMs: POLL_INTERVAL_MS };
    const dueAt = dueAfter(position, certname, virtual) / compression;
    await sleep(dueAt - now, undefined, { signal: stop }).catch(() => undefined);
    await turn(fleet, host, dueAt);
  }
}

async function turn(fleet: Fleet, host: SimulatedHost, dueAt: number): Promise<void> {
  const isOver = (): boolean => fleet.stop.aborted;
  if (isOver()) return;
  const { ports, identity, config } = host.agent;
  fleet.lateMs.push(Date.now() - dueAt);
  try {
    const result = await poll(
      {
        ...ports,
        state: host.state,
        tree: identity.tree,
        environment: identity.environment,
        heartbeatSeconds: config.report.heartbeat.seconds,
      },
      fleet.stop,
    );
    if (result.kind === 'failed') fleet.problems.push(`${identity.certname}: ${result.error}`);
    if (result.kind !== 'cycle') return;
    const version = await fleet.turnstile.through(() => take(fleet, host, result.prefetched));
    if (version !== undefined && version !== host.applied?.version)
      host.applied = { version, dueAt };
  } catch (error) {
    if (!isOver()) fleet.problems.push(`${identity.certname}: ${String(error)}`);
  }
}

/**
 * Takes the release by a cycle, or by the requests of a cycle; returns the version that the host
 * then has.
 */
export async function take(
  fleet: Fleet,
  host: SimulatedHost,
  prefetched: Prefetched | undefined,
): Promise<string | undefined> {
  const { agent } = host;
  if (!host.isWhole && prefetched !== undefined) {
    const version = await askAsACycle(agent, prefetched);
    const { etag: value } = prefetched;
    const etag = value === undefined ? null : { environment: agent.identity.environment, value };
    host.state = { ...host.state, etag };
    return version;
  }
  const request = {
    trigger: 'poll',
    noop: false,
    ignoreWindow: false,
    isTrial: false,
    keepsRelease: false,
    showDiff: false,
    tags: [],
    skipTags: [],
    debug: false,
  } as const;
  await mkdir(agent.paths.state, { recursive: true });
  const lockLost = new AbortController().signal;
  await cycle(agent, { ...request, prefetched, lockLost }, fleet.stop);
  return host.state.status?.release?.version;
}

const NO_PUPPET: Puppet = {
  find: async () => ({ path: '/usr/bin/puppet', version: '7.23.0' }),
  apply: async () => ({ kind: 'exited', exitCode: 0 }),
  pickUp: async () => undefined,
  read: async () => ({
    report: { time: new Date().toISOString(), status: 'unchanged' },
    facts: undefined,
    errors: [],
    problems: [],
  }),
};

function problemsOnly(problems: string[], name: string): Log {
  const nothing = (): void => undefined;
  const keep = (event: string, fields?: object): void =>
    void problems.push(`${name}: ${event} ${JSON.stringify(fields)}`);
  return { debug: nothing, info: nothing, warn: keep, error: keep };
}

/** Allows a number of holders at a time, in the order in which they asked. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atATime: number) {
    this.#free = atATime;
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
