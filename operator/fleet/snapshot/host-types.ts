import type { ColumnType } from '../parquet.ts';

/**
 * The columns of `hosts` without the whole document, which is most of it, and their types: a table
 * of many days has one type for a column, whatever the hosts of a day report.
 */
export const HOST_TYPES: Readonly<Record<string, ColumnType>> = {
  certname: 'STRING',
  environment: 'STRING',
  version: 'STRING',
  run: 'STRING',
  failure: 'STRING',
  trust: 'STRING',
  reported_at: 'STRING',
  age_seconds: 'INT64',
  stale: 'INT64',
  disabled: 'INT64',
  host_id: 'STRING',
  instance_id: 'STRING',
  shared: 'STRING',
  activated_at: 'STRING',
  run_started_at: 'STRING',
  run_seconds: 'DOUBLE',
  resources: 'INT64',
  changed: 'INT64',
  failed: 'INT64',
  corrective: 'INT64',
  agent_version: 'STRING',
  puppet_version: 'STRING',
  clock_offset_seconds: 'INT64',
  uptime_seconds: 'INT64',
  memory_percent: 'INT64',
  root_disk_percent: 'INT64',
};

/** A fact of any type is text: what hosts report does not change the type of the column. */
export const FACT_TYPES: Readonly<Record<string, ColumnType>> = {
  certname: 'STRING',
  name: 'STRING',
  value: 'STRING',
};
