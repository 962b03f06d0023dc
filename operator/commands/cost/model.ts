import type { Prices } from './prices.ts';

/** What a fleet does. The defaults are those of agent.yaml, or are named in docs/fleet.md. */
export interface Load {
  readonly hosts: number;
  /** Seconds between polls: `schedule.poll`. */
  readonly pollSeconds: number;
  /** Seconds between runs: `schedule.apply`. */
  readonly runSeconds: number;
  /** Seconds between statuses when nothing changes: `report.heartbeat`. */
  readonly heartbeatSeconds: number;
  /** Of all runs, how many change or fail something, 0 to 1: each sends a status of its own. */
  readonly changing: number;
  /** Releases that a host installs in a month. */
  readonly releases: number;
  /** Renewals of signatures, and publications for other environments, in a month. */
  readonly renewals: number;
  /** How often in a month an operator or a job reads the status of all hosts. */
  readonly reads: number;
  /** Share of the hosts, and readers, outside the region of the bucket, 0 to 1. */
  readonly outside: number;
}

/** Bytes. */
export interface Sizes {
  readonly status: number;
  readonly facts: number;
  readonly tarball: number;
}

export const DEFAULT_LOAD: Omit<Load, 'hosts'> = {
  pollSeconds: 300,
  runSeconds: 1800,
  heartbeatSeconds: 3600,
  changing: 0.02,
  releases: 20,
  renewals: 10,
  reads: 30,
  outside: 0,
};

export const DEFAULT_SIZES: Sizes = { status: 2000, facts: 16_000, tarball: 500_000 };

/**
 * Requests of a host, besides the poll that finds the news: test/operator/commands/cost holds them
 * against a real agent. A new release: the next root, which is not there, snapshot, role, tarball.
 */
export const REQUESTS = {
  poll: { get: 1, put: 0 },
  run: { get: 1, put: 0 },
  release: { get: 4, put: 1 },
  renewal: { get: 2, put: 1 },
} as const;

/** Facts are sent when they change, and once a day. */
const FACTS_SECONDS = 86_400;
export const MONTH_SECONDS = (365 / 12) * 86_400;
const LISTED_PER_REQUEST = 1000;
/** Headers of an answer of AWS, and the records of TLS. A 304 has nothing else. */
const HEAD_BYTES = 600;
/** Snapshot, role and timestamp of a tree with a few environments. */
const METADATA_BYTES = 4000;

export interface CostRow {
  readonly kind: string;
  readonly price: 'get' | 'put' | 'list' | 'storage' | 'transfer';
  /** Requests in a month; 0 for storage and transfer. */
  readonly requests: number;
  /** Bytes in a month, answers of S3 and uploads; for storage, bytes that are stored. */
  readonly bytes: number;
  readonly dollars: number;
}

/** The rows of a month. */
export function costOf(load: Load, sizes: Sizes, prices: Prices): CostRow[] {
  const { hosts, heartbeatSeconds, changing, releases, renewals, reads } = load;
  const runs = MONTH_SECONDS / load.runSeconds;
  const polls = MONTH_SECONDS / load.pollSeconds;
  const statuses = MONTH_SECONDS / heartbeatSeconds + runs * changing;
  const requests = (
    kind: string,
    price: 'get' | 'put' | 'list',
    perHost: number,
    bytes: number,
  ): CostRow => {
    const count = perHost * hosts;
    return { kind, price, requests: count, bytes, dollars: (count / 1000) * prices[price] };
  };
  const get = (kind: string, perHost: number, bodyBytes: number) =>
    requests(kind, 'get', perHost, hosts * (perHost * HEAD_BYTES + bodyBytes));
  const put = (kind: string, perHost: number, size: number) =>
    requests(kind, 'put', perHost, hosts * perHost * size);
  const { poll, run, release, renewal } = REQUESTS;
  const pages = Math.ceil(hosts / LISTED_PER_REQUEST);
  const news = releases * sizes.tarball + (releases + renewals) * METADATA_BYTES;
  const rows = [
    get('polls', polls * poll.get, 0),
    get('runs', runs * run.get, 0),
    get('new releases and signatures', releases * release.get + renewals * renewal.get, news),
    put('statuses', statuses + releases * release.put + renewals * renewal.put, sizes.status),
    put('facts', MONTH_SECONDS / FACTS_SECONDS, sizes.facts),
    requests('lists of all hosts', 'list', (reads * pages) / hosts, hosts * reads * 300),
    get('reads of all statuses', reads, reads * sizes.status),
  ];
  const stored = hosts * (sizes.status + sizes.facts);
  const answers = rows.filter(({ price }) => price !== 'put');
  const left = load.outside * answers.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    ...rows,
    volume('storage', stored, prices.storage),
    volume('transfer', left, prices.transfer),
  ];
}

function volume(kind: 'storage' | 'transfer', bytes: number, price: number): CostRow {
  return { kind, price: kind, requests: 0, bytes, dollars: (bytes / 1e9) * price };
}
