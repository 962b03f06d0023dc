import { hostFactsPrefix, hostStatusPrefix, snapshotDaysPrefix } from '../../../bucket/layout.ts';
import { HOST_TYPES } from '../snapshot/host-types.ts';
import { ATHENA_QUESTIONS, type AthenaQuestion } from './questions.ts';
import { ATHENA_VIEWS, type AthenaView } from './views.ts';

export interface AthenaSql {
  /** What is run once, in this order. Athena runs one statement at a time. */
  readonly setUp: readonly string[];
  readonly questions: readonly AthenaQuestion[];
}

/** Tables, views and questions for Athena, over what hosts write. */
export function athenaSql({
  bucket,
  tree,
  database,
}: {
  readonly bucket: string;
  readonly tree: string;
  readonly database: string;
}): AthenaSql {
  const location = (prefix: string): string => `s3://${bucket}/${prefix}`.replaceAll("'", "''");
  const table = (name: string, prefix: string): string =>
    `CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.${name} (line string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001'
STORED AS TEXTFILE
LOCATION '${location(prefix)}'`;
  return {
    setUp: [
      `CREATE DATABASE IF NOT EXISTS ${database}`,
      table('status_lines', hostStatusPrefix(tree)),
      table('facts_lines', hostFactsPrefix(tree)),
      ...ATHENA_VIEWS.map((view) => viewSql(database, view)),
      viewSql(database, ALL_FACTS),
      daysSql(database, location(snapshotDaysPrefix(tree))),
    ],
    questions: ATHENA_QUESTIONS,
  };
}

const HIVE_TYPES = { INT64: 'bigint', DOUBLE: 'double', STRING: 'string' } as const;

/**
 * The last snapshot of each day. Athena computes the keys of the days that a question names, and
 * lists nothing. https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
 */
function daysSql(database: string, location: string): string {
  const columns = Object.entries(HOST_TYPES).map(
    ([name, type]) => `  \`${name}\` ${HIVE_TYPES[type]}`,
  );
  const properties = {
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.dt.range': 'NOW-400DAYS,NOW',
    'projection.dt.interval': '1',
    'projection.dt.interval.unit': 'DAYS',
    'storage.location.template': `${location}dt=\${dt}/`,
  };
  const list = Object.entries(properties).map(([name, value]) => `  '${name}' = '${value}'`);
  return `CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.hosts_by_day (
${columns.join(',\n')}
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION '${location}'
TBLPROPERTIES (
${list.join(',\n')}
)`;
}

/** What Facter collected, not only the promoted facts: one row for each fact at the top. */
const ALL_FACTS: AthenaView = {
  name: 'all_facts',
  columns: [
    ['certname', `regexp_extract("$path", '([^/]+)[.]json$', 1)`],
    ['name', 'fact_name'],
    ['value', 'json_format(fact_value)'],
  ],
  from: `facts_lines CROSS JOIN UNNEST(TRY(CAST(json_extract(line, '$.facts') AS map(varchar, json)))) AS fact (fact_name, fact_value)
WHERE json_extract_scalar(line, '$.certname') = regexp_extract("$path", '([^/]+)[.]json$', 1)`,
};

function viewSql(database: string, { name, columns, from }: AthenaView): string {
  const list = columns.map(([column, expression]) => `  ${expression} AS ${column}`).join(',\n');
  return `CREATE OR REPLACE VIEW ${database}.${name} AS SELECT\n${list}\nFROM ${database}.${from}`;
}
