import { DEFAULT_CLOCK_SECONDS, GOOD_TRUST, type ProblemKind } from '../problem-hosts.ts';

/** A question of `mm fleet`, and the same in the SQL of Athena. */
export interface AthenaQuestion {
  /** The words after `mm fleet`. */
  readonly words: string;
  readonly sql: string;
}

const PROBLEMS: Readonly<Record<ProblemKind, string>> = {
  shared: 'SELECT certname, shared FROM hosts WHERE shared IS NOT NULL ORDER BY 1',
  names: `SELECT host_id, array_join(array_agg(certname ORDER BY certname), ', ') AS names
FROM hosts WHERE host_id IS NOT NULL GROUP BY host_id HAVING count(*) > 1`,
  clock: `SELECT certname, clock_offset_seconds FROM hosts
WHERE abs(clock_offset_seconds) > ${DEFAULT_CLOCK_SECONDS} ORDER BY 1`,
  agent: `SELECT certname, agent_version FROM hosts,
  (SELECT agent_version AS usual FROM hosts GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)
WHERE CAST(regexp_extract_all(agent_version, '[0-9]+') AS array(integer)) <
  CAST(regexp_extract_all(usual, '[0-9]+') AS array(integer)) ORDER BY 1`,
  trust: `SELECT certname, trust FROM hosts WHERE trust NOT IN (${listOf(GOOD_TRUST)}) ORDER BY 1`,
  unreadable: 'SELECT certname, kind, problem FROM unreadable ORDER BY 1',
};

export const ATHENA_QUESTIONS: readonly AthenaQuestion[] = [
  {
    words: 'status',
    sql: `SELECT coalesce(run, 'none') AS run, count(*) AS hosts, count_if(stale) AS stale,
  count_if(disabled) AS disabled
FROM hosts GROUP BY 1 ORDER BY hosts DESC`,
  },
  {
    words: 'status (releases)',
    sql: `SELECT coalesce(version, 'none') AS release, count(*) AS hosts, count(failure) AS failed
FROM hosts GROUP BY 1 ORDER BY hosts DESC`,
  },
  {
    words: 'status (environments)',
    sql: `SELECT environment, count(*) AS hosts, count(failure) AS failed
FROM hosts GROUP BY 1 ORDER BY hosts DESC`,
  },
  {
    words: 'status (groups)',
    sql: `SELECT host_groups.name, count(*) AS hosts, count(hosts.failure) AS failed
FROM host_groups JOIN hosts ON hosts.certname = host_groups.certname GROUP BY 1 ORDER BY hosts DESC`,
  },
  {
    words: 'status (failures)',
    sql: `SELECT failure, count(*) AS hosts, min(certname) AS example
FROM hosts WHERE failure IS NOT NULL GROUP BY 1 ORDER BY hosts DESC LIMIT 10`,
  },
  {
    words: 'hosts --failed',
    sql: 'SELECT certname, run, environment, version, failure FROM hosts WHERE failure IS NOT NULL ORDER BY 1',
  },
  {
    words: 'hosts --stale',
    sql: 'SELECT certname, reported_at, environment FROM hosts WHERE stale ORDER BY 1',
  },
  {
    words: 'hosts --older-than 2d',
    sql: 'SELECT certname, reported_at FROM hosts WHERE age_seconds > 2 * 86400 ORDER BY 1',
  },
  {
    words: 'hosts --where FACT=VALUE --failed',
    sql: `SELECT certname, failure FROM hosts WHERE failure IS NOT NULL
  AND json_extract_scalar(status, '$.facts["os.release.full"]') = '24.04' ORDER BY 1`,
  },
  {
    words: 'hosts --where FIELD=VALUE',
    sql: `SELECT certname, run FROM hosts WHERE version = '1.5.0'
  AND json_extract_scalar(status, '$.facts["role"]') = 'db' ORDER BY 1`,
  },
  {
    words: 'hosts --where run.failedResources.resource=RESOURCE',
    sql: `SELECT certname, message FROM failed_resources WHERE resource = 'File[/etc/motd]' ORDER BY 1`,
  },
  {
    words: 'host CERTNAME',
    sql: `SELECT * FROM hosts WHERE certname = 'web1.example.com'`,
  },
  {
    words: 'why CERTNAME RESOURCE',
    sql: `SELECT message, file, line,
  (SELECT count(DISTINCT certname) FROM failed_resources WHERE resource = 'File[/etc/motd]') AS hosts_failing
FROM failed_resources WHERE certname = 'web1.example.com' AND resource = 'File[/etc/motd]'`,
  },
  ...Object.entries(PROBLEMS).map(([kind, sql]) => ({ words: `problems ${kind}`, sql })),
  {
    words: 'query (any fact)',
    sql: `SELECT value, count(*) AS hosts FROM facts WHERE name = 'os.release.full'
GROUP BY 1 ORDER BY hosts DESC`,
  },
  {
    words: 'report (states over 30 days, from mm fleet snapshot)',
    sql: `SELECT dt, coalesce(run, 'none') AS run, count(*) AS hosts, sum(stale) AS stale
FROM hosts_by_day WHERE dt > date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
GROUP BY 1, 2 ORDER BY 1, hosts DESC`,
  },
];

function listOf(texts: Iterable<string>): string {
  return [...texts].map((text) => `'${text}'`).join(', ');
}
