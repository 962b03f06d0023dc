import { IS_TERMINATED } from './host-state.ts';

/** As JSON and Athena have it: the value of SQLite is 1 for a fact that is true. */
const FACT_VALUE = "iif(fact.type IN ('true', 'false'), fact.type, fact.value)";

/**
 * The views that `mm fleet query` reads. docs/fleet.md describes them: their names stay, while the
 * tables may change with each version. They exist in the connection of a query only. Each calls
 * `mm_in_time` for every row, which ends a query that needs too long: SQLite itself cannot be
 * interrupted from JavaScript. Without an argument it would be called once.
 */
export const VIEWS = `
CREATE TEMP VIEW hosts AS SELECT
  certname,
  environment,
  version,
  run,
  failure,
  trust,
  strftime('%Y-%m-%dT%H:%M:%SZ', receivedAt / 1000, 'unixepoch') AS reported_at,
  unixepoch() - receivedAt / 1000 AS age_seconds,
  unixepoch() - receivedAt / 1000 > limitSeconds AND NOT ${IS_TERMINATED} AS stale,
  isDisabled AS disabled,
  hostId AS host_id,
  instanceId AS instance_id,
  shared,
  status ->> '$.release.activatedAt' AS activated_at,
  status ->> '$.run.startedAt' AS run_started_at,
  status ->> '$.run.durationSeconds' AS run_seconds,
  status ->> '$.run.resources.total' AS resources,
  status ->> '$.run.resources.changed' AS changed,
  status ->> '$.run.resources.failed' AS failed,
  status ->> '$.run.resources.corrective' AS corrective,
  status ->> '$.versions.agent' AS agent_version,
  status ->> '$.versions.puppet' AS puppet_version,
  status ->> '$.trust.clockOffsetSeconds' AS clock_offset_seconds,
  status ->> '$.vitals.uptimeSeconds' AS uptime_seconds,
  status ->> '$.vitals.memoryUsedPercent' AS memory_percent,
  status ->> '$.vitals.rootDiskUsedPercent' AS root_disk_percent,
  json(status) AS status
FROM host LEFT JOIN document USING (file) WHERE problemKind IS NULL AND mm_in_time(receivedAt);
CREATE TEMP VIEW facts AS SELECT
  certname, fact.key AS name, ${FACT_VALUE} AS value
FROM host JOIN document USING (file), json_each(status, '$.facts') AS fact WHERE mm_in_time(receivedAt);
CREATE TEMP VIEW host_groups AS SELECT
  certname, each.value AS name
FROM host, json_each(groups) AS each WHERE mm_in_time(receivedAt);
CREATE TEMP VIEW failed_resources AS SELECT
  certname, resource, message, path AS file, line
FROM failedResource JOIN host USING (file) WHERE mm_in_time(receivedAt);
CREATE TEMP VIEW changed_resources AS SELECT
  certname, each.value AS resource
FROM host JOIN document USING (file), json_each(status, '$.run.changedResources') AS each WHERE mm_in_time(receivedAt);
CREATE TEMP VIEW unreadable AS SELECT
  certname, problemKind AS kind, problem
FROM host WHERE problemKind IS NOT NULL AND mm_in_time(receivedAt);
CREATE TEMP VIEW last_sync AS SELECT
  bucket, tree, strftime('%Y-%m-%dT%H:%M:%SZ', endedAt / 1000, 'unixepoch') AS ended_at
FROM sync;`;
