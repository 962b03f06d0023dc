import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangedValue, changedValues } from '../../../../agent/core/run/changed-values.ts';
import { countChanges, fightsOf } from '../../../../agent/core/run/fights.ts';
import type { Fight, RunSummary } from '../../../../bucket/documents/status.ts';
import { puppetReport, resourceStatus } from '../../../support/puppet-report.ts';
import { sampleRun } from '../../../support/status-sample.ts';

const event = (overrides: Record<string, unknown> = {}) => ({
  status: 'success',
  property: 'mode',
  previous_value: '0600',
  desired_value: '0644',
  message: 'mode changed',
  redacted: false,
  ...overrides,
});
const report = (...events: Record<string, unknown>[]) =>
  puppetReport({
    resource_statuses: { 'File[/a]': resourceStatus({ changed: true, events }) },
  });

const VALUES: Record<string, { report: unknown; want: readonly string[] }> = {
  'a changed property': { report: report(event()), want: ['mode 0600 0644'] },
  'a list and nothing': {
    report: report(event({ previous_value: null, desired_value: ['a', 'b'] })),
    want: ['mode null ["a","b"]'],
  },
  'a value with an escape sequence': {
    report: report(event({ previous_value: 'a\u001b[2Jb' })),
    want: ['mode a [2Jb 0644'],
  },
  'a Sensitive value': {
    report: report(event({ redacted: true, previous_value: 's3cret' })),
    want: ['mode [redacted] [redacted]'],
  },
  'a password, which only the message hides': {
    report: report(
      event({ property: 'hash', message: 'changed [old password hash redacted] to x' }),
    ),
    want: ['hash [redacted] [redacted]'],
  },
  'a property with the name of a secret': {
    report: report(event({ property: 'password' })),
    want: ['password [redacted] [redacted]'],
  },
  'a value that has a credential': {
    report: report(event({ previous_value: 'db_password=s3cret' })),
    want: ['mode db_password=[redacted] 0644'],
  },
  'noop, failed and audited': {
    report: report(event({ status: 'noop' }), event({ status: 'failure' }), event({ status: '' })),
    want: [],
  },
  'an exec that runs each time': {
    report: puppetReport({
      resource_statuses: { 'Exec[x]': resourceStatus({ changed: true, events: [event()] }) },
    }),
    want: [],
  },
  'an unchanged resource': {
    report: puppetReport({ resource_statuses: { 'File[/a]': resourceStatus({}) } }),
    want: [],
  },
  'something else': { report: { resource_statuses: { x: 3, y: { changed: true } } }, want: [] },
  'no report': { report: undefined, want: [] },
};

for (const [name, { report, want }] of Object.entries(VALUES)) {
  test(`changed values: ${name}`, () => {
    const found = changedValues(report);
    assert.deepEqual(
      found.map(({ property, previous, desired }) => `${property} ${previous} ${desired}`),
      want,
    );
  });
}

test('changed values: their number and length are bounded', () => {
  const statuses = Object.fromEntries(
    Array.from({ length: 200 }, (_, number) => [
      `File[/${number}]`,
      resourceStatus({ changed: true, events: [event({ previous_value: 'x'.repeat(1e6) })] }),
    ]),
  );
  const found = changedValues(puppetReport({ resource_statuses: statuses }));
  assert.equal(found.length, 50);
  assert.equal(found[0]?.previous.length, 100);
});

const motd: ChangedValue = { resource: 'File[/a]', property: 'mode', previous: '1', desired: '2' };
const other: ChangedValue = { ...motd, resource: 'File[/b]' };
type Run = Partial<RunSummary> & { readonly changes: readonly ChangedValue[] };
const changed = (...changes: ChangedValue[]): Run => ({ status: 'changed', changes });
const nothing: Run = { status: 'unchanged', changes: [] };

/** The resources that are in a fight after these runs. */
const FIGHTS: Record<string, { runs: readonly Run[]; want: readonly string[] }> = {
  'two runs': { runs: [changed(motd), changed(motd)], want: [] },
  'three runs in a row': {
    runs: [changed(motd), changed(motd, other), changed(motd)],
    want: ['File[/a] 3'],
  },
  'with one good run in between': {
    runs: [changed(motd), changed(motd), nothing, changed(motd)],
    want: [],
  },
  'the fight is over': { runs: [changed(motd), changed(motd), changed(motd), nothing], want: [] },
  'another desired value begins again': {
    runs: [changed(motd), changed(motd), changed({ ...motd, desired: '3' })],
    want: [],
  },
  'another previous value is the same fight': {
    runs: [changed(motd), changed(motd), changed({ ...motd, previous: '9' })],
    want: ['File[/a] 3'],
  },
  'a failed run that did not come to it does not end it': {
    runs: [changed(motd), changed(motd), { status: 'failed', changes: [] }, changed(motd)],
    want: ['File[/a] 3'],
  },
  'a failed run that changed it counts': {
    runs: [changed(motd), changed(motd), { status: 'failed', changes: [motd] }],
    want: ['File[/a] 3'],
  },
  'a noop run does not end it': {
    runs: [changed(motd), changed(motd), { ...nothing, noop: true }, changed(motd)],
    want: ['File[/a] 3'],
  },
};

for (const [name, { runs, want }] of Object.entries(FIGHTS)) {
  test(`fights: ${name}`, () => {
    const counted = runs.reduce<readonly Fight[]>(
      (last, { changes, ...run }) => countChanges(last, changes, { ...sampleRun, ...run }),
      [],
    );
    assert.deepEqual(
      (fightsOf(counted) ?? []).map((fight) => `${fight.resource} ${fight.runs}`),
      want,
    );
  });
}

test('fights: those with the most runs are kept, and at most ten are reported', () => {
  const many = Array.from({ length: 60 }, (_, number) => ({
    ...motd,
    resource: `File[/${number}]`,
  }));
  let counted = countChanges([], [motd], sampleRun);
  for (let run = 0; run < 3; run += 1)
    counted = countChanges(counted, [...many.slice(run), motd], {
      ...sampleRun,
      status: 'changed',
    });
  assert.equal(counted.length, 50);
  assert.equal(fightsOf(counted)?.length, 10);
  assert.deepEqual([counted[0]?.resource, counted[0]?.runs], ['File[/a]', 4]);
});
