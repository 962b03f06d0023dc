import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prometheusText } from '../../../../agent/core/status/prometheus.ts';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?\d+(?:\.\d+)?)$/;

/** What Prometheus would read. Throws where it would refuse the file. */
function samplesOf(text: string): Map<string, number> {
  assert.ok(text.endsWith('\n'));
  const samples = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const [, kind, declared = ''] = /^# (HELP|TYPE) ([a-z_]+) .+$/.exec(line) ?? [];
    if (kind !== undefined) {
      if (kind === 'TYPE') assert.ok(!typed.has(declared), `${declared} has two types`);
      if (kind === 'TYPE') typed.add(declared);
      continue;
    }
    const [, name = '', labels = '', value] = SAMPLE.exec(line) ?? [];
    assert.ok(typed.has(name), line);
    const key = labels === '' ? name : `${name}{${labels}}`;
    assert.ok(!samples.has(key), `${key} is there twice`);
    samples.set(key, Number(value));
  }
  return samples;
}

const HOST = 'environment="stable",host="web1.example.com"';
const failedRun = {
  ...sampleRun,
  status: 'failed' as const,
  resources: { ...sampleRun.resources!, failed: 3 },
};

const ROWS: Readonly<
  Record<string, readonly [Partial<StatusDocument>, Readonly<Record<string, number | undefined>>]>
> = {
  'a good run': [
    {},
    {
      puppet_last_run_at_seconds: Date.parse(sampleRun.startedAt) / 1000,
      puppet_last_run_duration_seconds: 4.2,
      puppet_last_run_success: 1,
      'puppet_last_run_report_resources{type="total"}': 107,
      [`puppet_report_resources{name="Out of sync",${HOST}}`]: 0,
      [`puppet_status{state="unchanged",${HOST}}`]: 1,
      [`puppet_status{state="failed",${HOST}}`]: 0,
      [`puppet_transaction_completed{${HOST}}`]: 1,
      miyamoto_trust_ok: 1,
      miyamoto_disabled: 0,
      'miyamoto_metadata_days_to_expiry{role="root"}': 300,
    },
  ],
  'a failed run': [
    { run: failedRun },
    {
      puppet_last_run_success: 0,
      'puppet_last_run_report_resources{type="failed"}': 3,
      [`puppet_status{state="failed",${HOST}}`]: 1,
    },
  ],
  'no catalog': [
    { run: { ...sampleRun, status: 'not-compiled', resources: null } },
    { puppet_last_run_success: 0, [`puppet_transaction_completed{${HOST}}`]: 0 },
  ],
  'no run': [
    { run: null, disabled: { reason: 'x', by: null, until: null } },
    { puppet_last_run_success: undefined, miyamoto_disabled: 1 },
  ],
  'odd text': [
    { trust: { ...sampleStatus.trust, daysToExpiry: { 'a"b\\c\nd': -1 } } },
    { 'miyamoto_metadata_days_to_expiry{role="a\\"b\\\\c\\nd"}': -1 },
  ],
};

for (const [name, [part, wanted]] of Object.entries(ROWS)) {
  test(`prometheus: ${name}`, () => {
    const samples = samplesOf(prometheusText({ ...sampleStatus, ...part }));
    for (const [key, value] of Object.entries(wanted)) assert.equal(samples.get(key), value, key);
  });
}
