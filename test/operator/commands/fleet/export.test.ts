import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

/*
 * The wire formats as PuppetDB 8 documents them: facts version 5, and report version 8. Nothing
 * else is allowed, and null only where it says so.
 */

const Name = z.string().min(1);
const Time = z.iso.datetime();

const Facts = z.strictObject({
  certname: Name,
  environment: Name,
  producer_timestamp: Time,
  producer: Name.nullable(),
  values: z.record(z.string(), z.json()),
});

const Event = z.strictObject({
  status: z.enum(['success', 'failure', 'noop']),
  timestamp: Time,
  property: Name.nullable(),
  new_value: z.json().nullable(),
  old_value: z.json().nullable(),
  message: Name.nullable(),
  corrective_change: z.boolean().nullable(),
});
const Resource = z.strictObject({
  timestamp: Time,
  resource_type: Name,
  resource_title: Name,
  skipped: z.boolean(),
  events: z.array(Event),
  file: Name.nullable(),
  line: z.int().nullable(),
  containment_path: z.array(Name).nullable(),
});
const Metric = z.strictObject({
  category: z.enum(['resources', 'time', 'changes', 'events']),
  name: Name,
  value: z.number(),
});
const Log = z.strictObject({
  file: Name.nullable(),
  line: z.int().nullable(),
  level: z.enum(['debug', 'info', 'notice', 'warning', 'err', 'alert', 'emerg', 'crit']),
  message: Name,
  source: Name,
  tags: z.array(Name),
  time: Time,
});
const Report = z.strictObject({
  certname: Name,
  environment: Name,
  puppet_version: Name,
  report_format: z.int(),
  configuration_version: Name,
  start_time: Time,
  end_time: Time,
  producer_timestamp: Time,
  producer: Name.nullable(),
  resources: z.array(Resource),
  metrics: z.array(Metric).nullable(),
  logs: z.array(Log).nullable(),
  transaction_uuid: z.uuid(),
  catalog_uuid: z.uuid(),
  code_id: Name.nullable(),
  job_id: Name.nullable(),
  cached_catalog_status: z.enum(['not_used', 'explicitly_requested', 'on_failure']),
  status: z.enum(['changed', 'unchanged', 'failed']),
  noop: z.boolean(),
  noop_pending: z.boolean(),
  corrective_change: z.boolean(),
  type: z.enum(['agent', 'plan']),
});
const Command = z.discriminatedUnion('command', [
  z.strictObject({
    command: z.literal('replace facts'),
    version: z.literal(5),
    certname: Name,
    payload: Facts,
  }),
  z.strictObject({
    command: z.literal('store report'),
    version: z.literal(8),
    certname: Name,
    payload: Report,
  }),
]);

const failure = { resource: 'File[/etc/x [1]]', message: 'no \u009b space', file: 'a.pp', line: 3 };

const HOSTS: Readonly<Record<string, Partial<StatusDocument>>> = {
  changed: { run: { ...sampleRun, status: 'changed', changedResources: ['Service[ntp]', 'odd'] } },
  failed: { run: { ...sampleRun, status: 'failed', failedResources: [failure] } },
  'never-ran': { run: null, release: null },
  'no-catalog': { run: { ...sampleRun, status: 'not-compiled', resources: null, error: 'bad' } },
  pending: { run: { ...sampleRun, status: 'pending', changedResources: ['File[/a]'], noop: true } },
  skipped: { run: { ...sampleRun, status: 'skipped' } },
  endless: { run: { ...sampleRun, durationSeconds: 1e308 } },
  unchanged: { facts: { 'os.name': 'Debian', os: 'x', '__proto__.polluted': true, role: null } },
  polluting: { run: null, facts: { a: { b: 1 }, 'a.__proto__.polluted': true } },
};

test('fleet export puppetdb: the documented wire formats, also of hostile hosts', async (t) => {
  const lab = await initialized(t);
  for (const [certname, part] of Object.entries(HOSTS)) {
    const status = JSON.stringify({ ...sampleStatus, certname, ...part });
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, status);
  }
  lab.server.put(BUCKET, 'ubuntu/status/hosts/broken.json', '{');
  await lab.mm(['fleet', 'sync']);
  const { stdout, stderr, exitCode } = await lab.mm(['fleet', 'export', 'puppetdb']);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /exported 9 hosts; 1 cannot be read/);
  const lines = stdout.trim().split('\n');
  const commands = lines.map((line) => Command.parse(JSON.parse(line)));
  const reports = commands.flatMap((each) =>
    each.command === 'store report' ? [[each.certname, each.payload.status]] : [],
  );
  assert.deepEqual(reports, [
    ['changed', 'changed'],
    ['endless', 'unchanged'],
    ['failed', 'failed'],
    ['no-catalog', 'failed'],
    ['pending', 'unchanged'],
    ['unchanged', 'unchanged'],
  ]);
  assert.equal(commands.filter(({ command }) => command === 'replace facts').length, 9);
  const failed = commands.find(
    (each) => each.command === 'store report' && each.certname === 'failed',
  );
  const [resource] = Report.parse(failed?.payload).resources;
  const { message, line } = failure;
  assert.deepEqual(
    [
      resource?.resource_type,
      resource?.resource_title,
      resource?.line,
      resource?.events[0]?.message,
    ],
    ['File', '/etc/x [1]', line, message],
  );
  const facts = commands.find(({ certname }) => certname === 'changed');
  assert.deepEqual(Facts.parse(facts?.payload).values['os'], {
    name: 'Ubuntu',
    release: { full: '24.04' },
  });
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  const again = await lab.mm(['fleet', 'export', 'puppetdb']);
  assert.equal(again.stdout, stdout, 'the same ids');
});
