import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metadataKey } from '../bucket/layout.ts';
import { openHostBucket } from '../bucket/s3/host/host-bucket.ts';
import { S3Settings } from '../bucket/s3/settings.ts';
import {
  cloneHosts,
  type Fleet,
  live,
  newHost,
  type SimulatedHost,
  Turnstile,
  take,
} from './load-agents.ts';
import { type LoadServer, MACHINE, startLoadServer } from './load-process.ts';
import { type Asked, PLACE } from './load-server.ts';
import { atMost, exactly, type Figure, type Group, type Mark } from './rows.ts';
import { quantile } from './statistics.ts';

const HOSTS = 5000;
/** Number of slots in an interval, to see how evenly the requests are distributed. */
const SLOTS = 50;
const CONNECTIONS = 20;
const CYCLES_AT_A_TIME = 16;
/** The share of an interval for which the fleet is watched before the release. */
const IDLE_SHARE = 0.25;
/** Additional time for what the simulation could not do in time. */
const LONGEST_REST_SECONDS = 30;

type Say = (line: string) => void;

/**
 * One publication for 5,000 hosts, in two processes on loopback. Each host polls in its own slot
 * and takes the release with the agent's own code, in compressed time and without Puppet. Where the
 * machine has no room for that many cycles, some hosts only send the requests of a cycle.
 */
export async function load(
  stop: AbortSignal,
  say: Say,
): Promise<{ readonly groups: readonly Group[] }> {
  // In memory where possible: in reality 5,000 hosts do not share one disk.
  const folder = await mkdtemp('/dev/shm/miyamoto-load-').catch(() =>
    mkdtemp(join(tmpdir(), 'miyamoto-load-')),
  );
  const server = startLoadServer();
  const over = new AbortController();
  try {
    const signal = AbortSignal.any([stop, over.signal]);
    const fleet = await openFleet(server, { folder, stop: signal });
    const hosts = await installHosts(fleet, server, say);
    const seen = await observe(fleet, hosts, { server, stop, over, say });
    const title = `${HOSTS.toLocaleString('en')} hosts, one publication, 5 minutes in ${Math.round(fleet.intervalMs / 1000)} s`;
    return { groups: [{ title, rows: figures(fleet, hosts, seen) }] };
  } finally {
    over.abort();
    await server.end();
    // Aborted cycles may still be finishing their last write.
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** Makes the fleet: each host has the first release on disk, and the pace fits this machine. */
async function installHosts(
  fleet: Fleet,
  server: LoadServer,
  say: Say,
): Promise<readonly SimulatedHost[]> {
  say(`${HOSTS} hosts take a first release`);
  await server.publish('1');
  const hosts = await cloneHosts(fleet, newHost(fleet, 0), HOSTS);
  await timeToTake(fleet, true); // not measured: the first cycles compile the code
  const { intervalMs, whole } = paceFor({
    wholeMs: await timeToTake(fleet, true),
    askingMs: await timeToTake(fleet, false),
  });
  fleet.intervalMs = intervalMs;
  for (const [number, host] of hosts.entries()) host.isWhole = number < whole;
  fleet.problems.length = 0;
  return hosts;
}

const SAMPLES = 100;
/** The share of the time that the simulation should be busy. */
const BUSY_SHARE = 0.6;
const INTERVAL_SECONDS = { least: 50, most: 95 };

/**
 * Chooses the length of the interval and the number of hosts with whole cycles. Times are for one
 * host.
 */
export function paceFor({
  wholeMs,
  askingMs,
}: {
  readonly wholeMs: number;
  readonly askingMs: number;
}): { readonly intervalMs: number; readonly whole: number } {
  const { least, most } = INTERVAL_SECONDS;
  const wanted = (wholeMs * HOSTS) / BUSY_SHARE;
  const intervalMs = Math.min(most * 1000, Math.max(least * 1000, wanted));
  const left = intervalMs * BUSY_SHARE - askingMs * HOSTS;
  const whole = Math.floor(left / Math.max(wholeMs - askingMs, 0.001));
  return { intervalMs, whole: Math.min(HOSTS, Math.max(1, whole)) };
}

/** How long a new host needs to take a release while others do the same, ms. */
async function timeToTake(fleet: Fleet, isWhole: boolean): Promise<number> {
  const sample = { ...fleet, folder: join(fleet.folder, 'sample') };
  const hosts = Array.from({ length: SAMPLES }, (_, number) => newHost(sample, number));
  const timestamp = await fleet.buckets[0]?.get(metadataKey(PLACE.tree, 'timestamp.json'), {
    maxBytes: 16 * 1024,
  });
  if (timestamp?.kind !== 'object') throw new Error('no timestamp.json on the server');
  const startedAt = performance.now();
  await Promise.all(
    hosts.map((host) => {
      host.isWhole = isWhole;
      return fleet.turnstile.through(() => take(sample, host, timestamp));
    }),
  );
  const spent = performance.now() - startedAt;
  await rm(sample.folder, { recursive: true, force: true });
  return spent / SAMPLES;
}

interface Seen {
  readonly publishedAt: number;
  readonly before: readonly Asked[];
  readonly after: readonly Asked[];
}

async function observe(
  fleet: Fleet,
  hosts: readonly SimulatedHost[],
  {
    server,
    stop,
    over,
    say,
  }: {
    readonly server: LoadServer;
    readonly stop: AbortSignal;
    readonly over: AbortController;
    say: Say;
  },
): Promise<Seen> {
  const { intervalMs } = fleet;
  const pause = async (ms: number): Promise<void> => await sleep(ms, undefined, { signal: stop });
  server.sayEvery(intervalMs / SLOTS);
  const startedAt = Date.now();
  const lives = hosts.map((host) => live(fleet, host));
  say('nothing new');
  await pause(intervalMs * IDLE_SHARE);
  say('a release is published');
  await server.publish('2');
  const publishedAt = Date.now();
  await pause(intervalMs);
  for (let rest = 0; rest < LONGEST_REST_SECONDS && !areAllOn(hosts, '2'); rest += 1)
    await pause(1000);
  over.abort();
  await Promise.all(lives);
  for (const bucket of fleet.buckets) bucket.close();
  const within = (from: number, to: number): readonly Asked[] =>
    server.asked.filter((asked) => asked.from >= from && asked.to <= to);
  return {
    publishedAt,
    before: within(startedAt, publishedAt),
    after: within(publishedAt, publishedAt + intervalMs),
  };
}

function areAllOn(hosts: readonly SimulatedHost[], version: string): boolean {
  return hosts.every(({ applied }) => applied?.version === version);
}

function figures(fleet: Fleet, hosts: readonly SimulatedHost[], seen: Seen): readonly Figure[] {
  const { before, after, publishedAt } = seen;
  const done = hosts.flatMap(({ applied }) => (applied?.version === '2' ? [applied.dueAt] : []));
  const errors = [...before, ...after].flatMap((asked) => asked.errors).concat(fleet.problems);
  if (errors.length > 0) process.stderr.write(`${errors.slice(0, 10).join('\n')}\n`);
  const row = (what: string, unit: Figure['unit'], ours: number, ...marks: Mark[]): Figure => ({
    ...{ what, unit, ours, marks },
    samples: hosts.length,
  });
  const lastAsked = (Math.max(...done) - publishedAt) / fleet.intervalMs;
  const requests = after.reduce((sum, { polls, others }) => sum + polls + others, 0);
  return [
    row('hosts on the new release', '', done.length, exactly(HOSTS)),
    row('of them by a whole cycle of mm-agent', '', hosts.filter(({ isWhole }) => isWhole).length),
    row('poll intervals until the last of them was due', '', lastAsked, atMost(1)),
    row('errors', '', errors.length, exactly(0)),
    row('polls in a slot, most / mean, nothing new', '', unevenness(before), atMost(1.5)),
    row('polls in a slot, most / mean, new release', '', unevenness(after), atMost(1.5)),
    row('requests of a host that takes the release', '', requests / done.length),
    row('what the simulation was late by, 99 of 100 polls', 'ms', quantile(fleet.lateMs, 0.99)),
  ];
}

/** Calculated from rates, because no timer is exact. */
function unevenness(asked: readonly Asked[]): number {
  const rates = asked.map(({ from, to, polls }) => polls / (to - from));
  return Math.max(...rates) / (rates.reduce((sum, rate) => sum + rate, 0) / rates.length);
}

async function openFleet(
  server: LoadServer,
  place: Pick<Fleet, 'folder' | 'stop'>,
): Promise<Fleet> {
  const { endpoint, root } = await server.ready;
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: MACHINE.accessKeyId,
    AWS_SECRET_ACCESS_KEY: MACHINE.secretAccessKey,
    HOME: place.folder,
  };
  const settings = S3Settings.parse({ endpoint });
  const opened = Array.from({ length: CONNECTIONS }, () =>
    openHostBucket(PLACE.bucket, settings, env),
  );
  return {
    ...place,
    root: Buffer.from(root, 'base64'),
    intervalMs: Number.NaN,
    turnstile: new Turnstile(CYCLES_AT_A_TIME),
    buckets: await Promise.all(opened),
    problems: [],
    lateMs: [],
  };
}
