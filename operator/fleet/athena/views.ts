import { MAX_LIMIT_SECONDS } from '../../hosts/last-report.ts';

/*
 * The views of `mm fleet query`, with the same names and columns, over the objects in S3. The table
 * has one column, the line of a status: a SerDe for JSON would change the case of names, fail on
 * dots in them, and know no field that a later agent adds.
 */

/** A view: what its columns are, and where they are from. */
export interface AthenaView {
  readonly name: string;
  /** Name and expression. */
  readonly columns: readonly (readonly [string, string])[];
  readonly from: string;
}

const text = (path: string): string => `json_extract_scalar(line, '$.${path}')`;
const number = (path: string, type: 'bigint' | 'double' = 'bigint'): string =>
  `TRY_CAST(${text(path)} AS ${type})`;
const time = (path: string): string => `TRY(from_iso8601_timestamp(${text(path)}))`;

/** The name that the key has. Only the host itself can write there. */
const CERTNAME = `regexp_extract("$path", '([^/]+)[.]json$', 1)`;
const FIRST_FAILED = `json_extract_scalar(line, '$.run.failedResources[0].resource')`;
const FIRST_MESSAGE = `json_extract_scalar(line, '$.run.failedResources[0].message')`;
const HAS_FAILED = `${text('run.status')} IN ('failed', 'not-compiled', 'killed')`;
/** When S3 received it, by the clock of the host and what that is off. */
const REPORTED = `${time('writtenAt')} - coalesce(${number('trust.clockOffsetSeconds')}, 0) * INTERVAL '1' SECOND`;
const AGE = `date_diff('second', ${REPORTED}, now())`;
/** As `reportLimit`. */
const LIMIT = `least(${MAX_LIMIT_SECONDS}, date_diff('second', ${time('writtenAt')}, ${time('times.nextExpectedAt')}))`;

const IS_STATUS = `${text('schemaVersion')} = '1' AND ${text('certname')} = ${CERTNAME}`;

/** A status with an entry for each element of a list or a map of it. */
function unnested(path: string, type: string, as: string): string {
  return `status_lines CROSS JOIN UNNEST(TRY(CAST(json_extract(line, '$.${path}') AS ${type}))) AS ${as}
WHERE ${IS_STATUS}`;
}

export const ATHENA_VIEWS: readonly AthenaView[] = [
  {
    name: 'hosts',
    columns: [
      ['certname', CERTNAME],
      ['environment', text('environment')],
      ['version', text('release.version')],
      ['run', text('run.status')],
      [
        'failure',
        `CASE WHEN ${HAS_FAILED} THEN concat(${text('run.status')}, ': ',
    coalesce(concat(${FIRST_FAILED}, ': ', ${FIRST_MESSAGE}), ${text('run.error')}, '')) END`,
      ],
      ['trust', text('trust.state')],
      ['reported_at', REPORTED],
      ['age_seconds', AGE],
      ['stale', `${AGE} > ${LIMIT}`],
      ['disabled', `${text('disabled.reason')} IS NOT NULL`],
      ['host_id', text('hostId')],
      ['instance_id', `json_extract_scalar(line, '$.facts["ec2_metadata.instance-id"]')`],
      [
        'shared',
        `concat('two machines: another one replaced its status, last ', ${text('otherWriter.lastAt')})`,
      ],
      ['activated_at', text('release.activatedAt')],
      ['run_started_at', text('run.startedAt')],
      ['run_seconds', number('run.durationSeconds', 'double')],
      ['resources', number('run.resources.total')],
      ['changed', number('run.resources.changed')],
      ['failed', number('run.resources.failed')],
      ['corrective', number('run.resources.corrective')],
      ['agent_version', text('versions.agent')],
      ['puppet_version', text('versions.puppet')],
      ['clock_offset_seconds', number('trust.clockOffsetSeconds')],
      ['uptime_seconds', number('vitals.uptimeSeconds')],
      ['memory_percent', number('vitals.memoryUsedPercent')],
      ['root_disk_percent', number('vitals.rootDiskUsedPercent')],
      ['status', 'line'],
    ],
    from: `status_lines WHERE ${IS_STATUS}`,
  },
  {
    name: 'facts',
    columns: [
      ['certname', CERTNAME],
      ['name', 'fact_name'],
      ['value', 'coalesce(TRY_CAST(fact_value AS varchar), json_format(fact_value))'],
    ],
    from: unnested('facts', 'map(varchar, json)', 'fact (fact_name, fact_value)'),
  },
  {
    name: 'host_groups',
    columns: [
      ['certname', CERTNAME],
      ['name', 'group_name'],
    ],
    from: unnested('groups', 'array(varchar)', 'host_group (group_name)'),
  },
  {
    name: 'failed_resources',
    columns: [
      ['certname', CERTNAME],
      ['resource', `json_extract_scalar(failed, '$.resource')`],
      ['message', `json_extract_scalar(failed, '$.message')`],
      ['file', `json_extract_scalar(failed, '$.file')`],
      ['line', `TRY_CAST(json_extract_scalar(failed, '$.line') AS bigint)`],
    ],
    from: `${unnested('run.failedResources', 'array(json)', 'failure (failed)')} AND ${HAS_FAILED}`,
  },
  {
    name: 'changed_resources',
    columns: [
      ['certname', CERTNAME],
      ['resource', 'changed'],
    ],
    from: unnested('run.changedResources', 'array(varchar)', 'change (changed)'),
  },
  {
    name: 'unreadable',
    columns: [
      ['certname', CERTNAME],
      [
        'kind',
        `CASE WHEN TRY_CAST(${text('schemaVersion')} AS bigint) > 1 THEN 'newer' ELSE 'invalid' END`,
      ],
      ['problem', `'not a status of that host, or of a newer schema'`],
    ],
    from: `status_lines WHERE NOT coalesce(${IS_STATUS}, false)`,
  },
];
