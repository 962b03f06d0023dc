import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { FleetReportAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import type { Fleet } from '../../../../operator/fleet/report/page/data/fleet.ts';
import { ordered } from '../../../../operator/fleet/report/page/data/order.ts';
import { Selection } from '../../../../operator/fleet/report/page/data/selection.ts';
import { HOSTILE_TEXTS } from '../../../support/hostile-texts.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';
import { fleetIn } from './fleet-page.ts';

function put(lab: OperatorLab, file: string, status: Partial<StatusDocument> | string): void {
  const text =
    typeof status === 'string'
      ? status
      : JSON.stringify({ ...sampleStatus, certname: file, ...status });
  lab.server.put(BUCKET, `ubuntu/status/hosts/${file}.json`, text);
}

function failed(...resources: readonly (readonly [string, string])[]): StatusDocument['run'] {
  const failedResources = resources.map(([resource, message]) => ({
    ...{ resource, message, file: null, line: null },
  }));
  return { ...sampleRun, status: 'failed', durationSeconds: 61.24, failedResources };
}

const MOTD = ['File[/etc/motd]', 'no space left'] as const;

/** `web1` to `web3` fail, `evil` too and in hostile words, `db1` is healthy; one is no status. */
async function reported(t: Owner): Promise<{ lab: OperatorLab; html: string; fleet: Fleet }> {
  const lab = await initialized(t);
  put(lab, 'web1', { run: failed(MOTD, ['Service[ntp]', 'masked']) });
  put(lab, 'web2', { run: failed(MOTD), environment: 'testing' });
  put(lab, 'web3', { run: failed(['File[/etc/motd]', 'read-only']), release: null });
  const evil = HOSTILE_TEXTS.map((text) => [text, text] as const);
  const facts = { 'os.name': HOSTILE_TEXTS[0], [HOSTILE_TEXTS[1]]: HOSTILE_TEXTS[2] };
  put(lab, 'evil', { run: failed(...evil), groups: [...HOSTILE_TEXTS], facts });
  put(lab, 'db1', { trust: { ...sampleStatus.trust, clockOffsetSeconds: -90 } });
  put(lab, HOSTILE_TEXTS[1].replaceAll('/', ''), 'hello');
  await lab.mm(['fleet', 'sync']);
  const done = await lab.mm(['fleet', 'report', '--json', '--output', 'out.html']);
  assert.equal(done.exitCode, 0, done.stderr);
  const { file, hosts, bytes } = FleetReportAnswer.parse(done.json);
  assert.deepEqual([file, hosts], [join(lab.repository, 'out.html'), 6]);
  const html = readFileSync(file, 'utf8');
  assert.equal(Buffer.byteLength(html), bytes);
  assert.equal(statSync(file).mode & 0o777, 0o600, 'it has errors of runs');
  return { lab, html, fleet: await fleetIn(html) };
}

test('fleet report: has the script and the style that its policy names, and no text of a host', async (t) => {
  const { html } = await reported(t);
  const bodies = (tag: string) =>
    [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, body = '']) => body);
  const [[script, ...scripts], [style, ...styles]] = [bodies('script'), bodies('style')];
  assert.deepEqual([...scripts, ...styles], []);
  for (const [name, text = ''] of Object.entries({ script, style })) {
    const hash = createHash('sha256').update(text).digest('base64');
    assert.ok(html.includes(`${name}-src 'sha256-${hash}'`), name);
  }
  assert.match(html, /content="default-src 'none'; /);
  assert.equal(html.match(/<\/?script\b/g)?.length, 4, 'the data, and the script');
  assert.doesNotMatch(html, /pwned/);
  assert.doesNotMatch(html, /<(?:img|svg|iframe|form|object|embed)\b|@import|url\(/);
});

test('fleet report: the page has what hosts reported, cleaned', async (t) => {
  const { fleet } = await reported(t);
  const host = (name: string) => fleet.names.of.indexOf(name);
  assert.deepEqual(fleet.names.of.slice(1), ['db1', 'evil', 'web1', 'web2', 'web3']);
  assert.equal(fleet.text('state', 0), 'unreadable');
  assert.equal(fleet.text('state', host('web1')), 'failed');
  assert.equal(fleet.text('note', host('web1')), 'File[/etc/motd]: no space left');
  assert.deepEqual(fleet.texts('failing', host('web1')), ['File[/etc/motd]', 'Service[ntp]']);
  assert.equal(fleet.numberOf('runTime', host('web1')), 612);
  assert.equal(fleet.text('runTimeBand', host('web1')), '2 min');
  assert.equal(fleet.text('release', host('web3')), '');
  assert.deepEqual(fleet.texts('attention', host('db1')), ['wrong clock']);
  assert.deepEqual(fleet.text('os', host('web1')), 'Ubuntu 24.04');
  const motd = fleet.column('failing').values.indexOf('File[/etc/motd]');
  assert.equal(fleet.head.messages[motd], 'no space left', 'the most frequent one');
  assert.equal(fleet.head.history.length, 1);
  const texts = [...fleet.columns.values()].flatMap(({ values }) => values);
  for (const text of [...texts, ...fleet.names.of, ...fleet.head.messages]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/);
  }
});

test('fleet report: conditions, search, counts and order', async (t) => {
  const { fleet } = await reported(t);
  const selection = new Selection(fleet);
  const shown = () => fleet.names.of.filter((_, host) => selection.has(host)).slice(-4);
  const indexOf = (column: string, value: string) => fleet.column(column).values.indexOf(value);
  const searches = {
    'WEB motd': ['web1', 'web2', 'web3'],
    'read-only': ['web3'],
    'ntp web': ['web1'],
    testing: ['web2'],
    'nothing like it': [],
  };
  for (const [text, names] of Object.entries(searches)) {
    selection.search(text);
    assert.deepEqual(shown(), names, text);
  }
  selection.search('web');
  selection.toggle('environment', indexOf('environment', 'stable'));
  assert.deepEqual(shown(), ['web1', 'web3']);
  const counts = selection.counts('environment');
  assert.equal(counts.hosts[indexOf('environment', 'testing')], 1, 'a chart ignores itself');
  selection.toggle('environment', indexOf('environment', 'testing'));
  assert.deepEqual(shown(), ['web1', 'web2', 'web3']);
  selection.toggle('failing', indexOf('failing', 'Service[ntp]'));
  assert.deepEqual(shown(), ['web1']);
  assert.equal(selection.described().length, 2);
  selection.clear();
  selection.search('');
  assert.equal(shown().length, 4);
  const names = (column: string, isDescending: boolean) =>
    Array.from(ordered(fleet, { column, isDescending }), (host) => fleet.names.of[host]).slice(-5);
  assert.deepEqual(names('certname', false), ['db1', 'evil', 'web1', 'web2', 'web3']);
  assert.equal(ordered(fleet, { column: 'certname', isDescending: true })[0], 5);
  assert.deepEqual(names('state', false).at(-1), 'db1', 'failures first');
  assert.equal(names('release', false).at(-1), 'web3', 'none comes last');
});

test('fleet report: without a copy it says what to do', async (t) => {
  const lab = await initialized(t);
  const code = async (...args: string[]) =>
    ErrorAnswer.parse((await lab.mm(['fleet', 'report', '--json', ...args])).json).error.code;
  assert.equal(await code(), 'STATE_MISSING');
  await lab.mm(['fleet', 'sync']);
  mkdirSync(join(lab.repository, 'fleet.html'));
  assert.equal(await code(), 'FILE_FAILED');
  assert.equal(await code('--output', 'missing/x.html'), 'FILE_FAILED');
});
