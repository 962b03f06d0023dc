import { CodedError } from '../../../shared/coded-error.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { athenaSql } from '../../fleet/athena/athena.ts';
import { loadTree } from '../../open-tree.ts';
import { DEFAULT_SIZES } from '../cost/model.ts';
import { PRICES } from '../cost/prices.ts';
import type { FleetAthenaAnswer } from './fleet-answers.ts';

export interface FleetAthenaOptions extends CommonOptions {
  readonly database?: string | undefined;
}

/** The costs are calculated for this number of hosts. */
const HOSTS = 100_000;
/** Dollars for a terabyte that Athena scans. https://aws.amazon.com/athena/pricing/ */
const DOLLARS_PER_TERABYTE = 5;

/** `mm fleet athena`: prints SQL. Asks nobody. Throws USAGE, CONFIG_*. */
export async function fleetAthena(context: Context, options: FleetAthenaOptions): Promise<Answer> {
  const { bucket, tree } = await loadTree(context, options);
  const database = options.database ?? `miyamoto_${tree.toLowerCase().replace(/[^a-z0-9]/g, '_')}`;
  if (!/^[a-z_][a-z0-9_]{0,100}$/.test(database)) {
    throw new CodedError(`--database ${JSON.stringify(database)}: not a name of a database`, {
      code: 'USAGE',
      next: 'small letters, digits and _, for example --database miyamoto',
    });
  }
  const { setUp, questions } = athenaSql({ bucket, tree, database });
  const document: FleetAthenaAnswer = {
    ...{ schemaVersion: 1, bucket, tree, database },
    setUp: [...setUp],
    questions: questions.map((each) => ({ ...each })),
  };
  const lines = [
    ...costLines(),
    '-- Once, each statement by itself:',
    ...setUp.flatMap((sql) => [...sql.split('\n'), ';']),
    `-- Questions, in the database ${database}:`,
    ...questions.flatMap(({ words, sql }) => [`-- mm fleet ${words}`, ...sql.split('\n'), ';']),
  ];
  return { document, lines };
}

function costLines(): string[] {
  const { get, list } = PRICES.dollars;
  const requests = (HOSTS * get + (HOSTS / 1000) * list) / 1000;
  const scanned = HOSTS * DEFAULT_SIZES.status;
  const dollars = requests + (scanned / 1e12) * DOLLARS_PER_TERABYTE;
  return [
    '-- Each question reads every status: the keys of hosts have no part that could be a partition.',
    '-- Only hosts_by_day has partitions: one object for each day on which mm fleet snapshot ran.',
    `-- ${HOSTS.toLocaleString('en')} hosts: ${HOSTS.toLocaleString('en')} GET and ${scanned / 1e6} MB scanned, about $${dollars.toFixed(3)}, a minute.`,
    '-- For many questions mm fleet sync is cheaper: it reads only what changed.',
  ];
}
