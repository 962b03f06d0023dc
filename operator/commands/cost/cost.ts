import { hostFactsPrefix, hostStatusPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Duration } from '../../../shared/duration.ts';
import { nearest } from '../../../shared/suggestion.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { withTree } from '../../open-tree.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { table } from '../../table.ts';
import type { CostAnswer } from './cost-answer.ts';
import {
  costOf,
  DEFAULT_LOAD,
  DEFAULT_SIZES,
  type Load,
  MONTH_SECONDS,
  type Sizes,
} from './model.ts';
import { PRICES, type PriceName, type Prices } from './prices.ts';

export interface CostOptions extends CommonOptions {
  readonly hosts: number;
  readonly poll?: Duration | undefined;
  readonly run?: Duration | undefined;
  readonly heartbeat?: Duration | undefined;
  /** Shares are from 0 to 1. */
  readonly changing?: number | undefined;
  readonly releases?: number | undefined;
  readonly renewals?: number | undefined;
  readonly reads?: number | undefined;
  readonly outside?: number | undefined;
  /** Bytes of a tarball. */
  readonly tarball?: number | undefined;
  /** `get=0.0004`. */
  readonly price?: readonly string[] | undefined;
  readonly measure?: boolean | undefined;
}

/** Objects that are measured. The mean of so many does not change any more. */
const MAX_MEASURED = 20_000;

/** `mm cost`: what S3 asks for a fleet in a month. Reads the bucket only with `--measure`. */
export async function cost(context: Context, options: CostOptions): Promise<Answer> {
  const dollars = pricesOf(options.price ?? []);
  const load: Load = {
    hosts: options.hosts,
    pollSeconds: options.poll?.seconds ?? DEFAULT_LOAD.pollSeconds,
    runSeconds: options.run?.seconds ?? DEFAULT_LOAD.runSeconds,
    heartbeatSeconds: options.heartbeat?.seconds ?? DEFAULT_LOAD.heartbeatSeconds,
    changing: options.changing ?? DEFAULT_LOAD.changing,
    releases: options.releases ?? DEFAULT_LOAD.releases,
    renewals: options.renewals ?? DEFAULT_LOAD.renewals,
    reads: options.reads ?? DEFAULT_LOAD.reads,
    outside: options.outside ?? DEFAULT_LOAD.outside,
  };
  const measured = options.measure === true ? await measure(context, options) : {};
  const given = options.tarball === undefined ? {} : { tarball: options.tarball };
  const sizes: Sizes = { ...DEFAULT_SIZES, ...measured, ...given };
  const rows = costOf(load, sizes, dollars);
  const sum = (field: 'requests' | 'dollars') => rows.reduce((total, row) => total + row[field], 0);
  const document: CostAnswer = {
    schemaVersion: 1,
    load: { ...load },
    sizes: { ...sizes },
    measured: options.measure === true,
    prices: { ...PRICES, dollars },
    rows: rows.map((row) => ({
      ...row,
      requests: Math.round(row.requests),
      bytes: Math.round(row.bytes),
      dollars: shortDollars(row.dollars),
    })),
    total: { requests: Math.round(sum('requests')), dollars: shortDollars(sum('dollars')) },
  };
  return { document, lines: linesOf(document) };
}

/** Throws USAGE. */
function pricesOf(given: readonly string[]): Prices {
  const prices: Record<PriceName, number> = { ...PRICES.dollars };
  for (const text of given) {
    const [, name = '', number] = /^(\w+)=(\d{1,6}(?:\.\d{1,9})?)$/.exec(text) ?? [];
    if (number !== undefined && Object.hasOwn(prices, name)) {
      prices[name as PriceName] = Number(number);
      continue;
    }
    const names = Object.keys(prices);
    const meant = nearest(text.split('=')[0] ?? '', names);
    throw new CodedError(
      `--price ${JSON.stringify(text)}: expected NAME=DOLLARS, with a name out of ${names.join(', ')}`,
      {
        code: 'USAGE',
        next: `for example --price ${meant ?? 'get'}=${prices[(meant ?? 'get') as PriceName]}`,
      },
    );
  }
  return prices;
}

/** The mean sizes of real objects, by listing them. Without an object the default size stays. */
async function measure(context: Context, options: CommonOptions): Promise<Partial<Sizes>> {
  return await withTree(context, options, async ({ config, bucket }) => {
    const place = { bucket, tree: config.tree };
    const status = await meanSize(place, hostStatusPrefix(config.tree));
    const facts = await meanSize(place, hostFactsPrefix(config.tree));
    if (status === undefined || facts === undefined) {
      context.notice(`the bucket has no statuses or no facts: their default size is used`);
    }
    return { ...(status && { status }), ...(facts && { facts }) };
  });
}

async function meanSize({ bucket }: TreePlace, prefix: string): Promise<number | undefined> {
  let count = 0;
  let bytes = 0;
  for await (const { size } of bucket.list(prefix)) {
    count += 1;
    bytes += size;
    if (count >= MAX_MEASURED) break;
  }
  return count === 0 ? undefined : Math.round(bytes / count);
}

function linesOf({ load, sizes, prices, measured, rows, total }: CostAnswer): string[] {
  const { hosts } = load;
  const perDay = (requests: number) =>
    hosts === 0 ? '' : rounded((requests / hosts / MONTH_SECONDS) * 86_400);
  const cells = rows.map(({ kind, price, requests, bytes, dollars }) => [
    kind,
    price === 'storage' || price === 'transfer' ? '' : price.toUpperCase(),
    requests === 0 ? '' : perDay(requests),
    requests === 0 ? '' : whole(requests),
    `${rounded(bytes / 1e9)} GB`,
    money(dollars),
  ]);
  const from = measured ? 'measured' : 'assumed';
  const hourly = `poll ${load.pollSeconds} s, run ${load.runSeconds} s, heartbeat ${load.heartbeatSeconds} s`;
  return [
    ...table([
      ['', 'request', 'per host a day', 'a month', 'bytes', 'dollars a month'],
      ...cells,
      ['total', '', perDay(total.requests), whole(total.requests), '', money(total.dollars)],
    ]),
    '',
    `${counted(whole(hosts), 'host')}; ${hourly}; ${counted(load.releases, 'release')}, ${counted(load.renewals, 'renewal')}, ${counted(load.reads, 'read')} a month`,
    `${percent(load.changing)} of the runs change something; ${percent(load.outside)} of the bytes leave the region`,
    `status ${sizes.status} bytes, facts ${sizes.facts} (${from}), tarball ${sizes.tarball}`,
    `prices of S3 Standard in ${prices.region}, ${prices.date}; --price replaces one`,
  ];
}

/** To a hundredth of a cent, because sums of binary fractions end in a tail of digits. */
function shortDollars(dollars: number): number {
  return Number(dollars.toFixed(4));
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function rounded(number: number): string {
  return number.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function money(dollars: number): string {
  return `$${dollars.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function percent(share: number): string {
  return `${rounded(share * 100)} %`;
}
