import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseExactJson } from '../../../../agent/core/facts/exact-json.ts';
import { collectFacts } from '../../../../agent/core/facts/facts.ts';
import { outcomeOf } from '../../../../agent/core/run/outcome.ts';
import { countsText } from '../../../../agent/core/run/run-text.ts';
import { RunSummary } from '../../../../bucket/documents/status.ts';
import { endedRun, exited, puppetReport, resourceStatus } from '../../../support/puppet-report.ts';

/** As Puppet 7 writes it. */
const summary = (counts: Record<string, number>): string => `---
version:
  config: 1764405440
  puppet: 7.23.0
resources:
${Object.entries({ total: 107, skipped: 0, failed_to_restart: 0, ...counts })
  .map(([name, value]) => `  ${name}: ${value}\n`)
  .join('')}time:
  file: 0.001
  total: 4.25
  last_run: 1764405445
changes:
  total: 0
`;
const PROBLEM = 'cannot read report.json: it has more than 16777216 bytes';

suite('a run whose report cannot be read', () => {
  const table: Record<string, [number, Record<string, number>, string]> = {
    'nothing changed': [0, {}, 'unchanged'],
    'something changed': [2, { changed: 3, out_of_sync: 3 }, 'changed'],
    'a resource failed': [4, { failed: 1, out_of_sync: 1 }, 'failed'],
    'noop with pending changes': [0, { out_of_sync: 2 }, 'pending'],
    'the exit code is worse': [4, {}, 'failed'],
  };
  for (const [name, [code, counts, status]] of Object.entries(table)) {
    test(name, () => {
      const results = { summary: summary(counts), reportProblem: PROBLEM };
      const run = RunSummary.parse(outcomeOf(endedRun(exited(code), results)));
      assert.equal(run.status, status);
      assert.equal(run.resources?.total, 107);
      assert.deepEqual(run.problems, [PROBLEM]);
      const { changed, out_of_sync } = { changed: 0, out_of_sync: 0, ...counts };
      assert.equal(run.changedResourcesTotal, status === 'pending' ? out_of_sync : changed);
    });
  }
  const alone: Record<string, [number, string]> = {
    'nothing changed': [0, 'unchanged'],
    'something changed': [2, 'changed'],
    'a resource failed': [4, 'failed'],
    'the catalog was not compiled': [1, 'not-compiled'],
  };
  for (const [name, [code, status]] of Object.entries(alone)) {
    for (const results of [{ reportProblem: PROBLEM }, { report: [] }]) {
      test(`nor the summary, ${JSON.stringify(results)}: the exit code counts; ${name}`, () => {
        const run = RunSummary.parse(outcomeOf(endedRun(exited(code), results)));
        assert.equal(run.status, status);
        assert.equal(run.problems?.length, 1);
        assert.equal(run.error === null, code === 0 || code === 2);
      });
    }
  }
  test('a noop run says how many resources would change', () => {
    const results = { summary: summary({ out_of_sync: 2 }), reportProblem: PROBLEM };
    const run = outcomeOf({ ...endedRun(exited(0), results), noop: true });
    assert.match(countsText(run) ?? '', /^2 would change, 0 failed of 107 resources$/);
  });
  test('its printed errors still count', () => {
    const results = { reportProblem: PROBLEM, errorLines: ['something is odd'] };
    const ended = endedRun(exited(0), results);
    assert.equal(outcomeOf(ended).errors, 1);
    assert.equal(outcomeOf({ ...ended, failOnErrorLines: true }).status, 'failed');
  });
  test('a report of an unknown form gives way to the summary', () => {
    const results = { report: { a: 1 }, summary: summary({ changed: 3, out_of_sync: 3 }) };
    assert.equal(outcomeOf(endedRun(exited(2), results)).resources?.changed, 3);
  });
  test('a summary without a transaction is not a good run', () => {
    const text = '---\nversion:\n  config: \n  puppet: 7.23.0\ntime:\n  last_run: 1\n';
    const run = outcomeOf(endedRun(exited(1), { summary: text, errors: ['Error: no class'] }));
    assert.equal(run.status, 'not-compiled');
  });
});

test('a clock that is set back during the run does not fail it', () => {
  const report = puppetReport({ time: '2026-11-23T13:00:00Z', status: 'changed' });
  const ended = { ...endedRun(exited(2), { report }) };
  const run = outcomeOf({ ...ended, endedAt: ended.startedAt - 7_200_000 });
  assert.equal(run.status, 'changed');
  assert.equal(run.durationSeconds, 4.5);
});

test('facts that cannot be read are a problem, not a failure', () => {
  const problems = ['cannot read h1.json: it is not JSON'];
  const run = RunSummary.parse(
    outcomeOf(endedRun(exited(0), { report: puppetReport(), problems })),
  );
  assert.equal(run.status, 'unchanged');
  assert.deepEqual(run.problems, problems);
});

suite('error lines that fail no resource', () => {
  const logs = [
    { level: 'err', message: 'something is odd', source: 'Scope(Class[main])' },
    { level: 'err', message: 'Facter: Permission denied', source: 'Puppet' },
    { level: 'err', message: 'exit 1', source: '/Stage[main]/Web/Exec[reload]/returns' },
    { level: 'warning', message: 'old syntax', source: 'Puppet' },
  ];
  const failing = { 'Exec[reload]': resourceStatus({ failed: true }) };
  test('are counted, and the run stays good', () => {
    const run = RunSummary.parse(
      outcomeOf(endedRun(exited(0), { report: puppetReport({ logs: logs.slice(0, 2) }) })),
    );
    assert.equal(run.status, 'unchanged');
    assert.equal(run.errors, 1);
  });
  test('are counted when they were printed before the start of the report', () => {
    const errorLines = ['Scope(Class[main]): something is odd', 'Puppet: x'];
    const report = puppetReport({ logs: [{ level: 'err', message: 'x', source: 'Puppet' }] });
    assert.equal(outcomeOf(endedRun(exited(0), { report, errorLines }))['errors'], 2);
  });
  test('are not counted in addition to the failure of a resource', () => {
    const report = puppetReport({ status: 'failed', logs, resource_statuses: failing });
    assert.equal(outcomeOf(endedRun(exited(4), { report }))['errors'], 1);
  });
  test('are not counted when Puppet repeats them for the resource', () => {
    const report = puppetReport({
      status: 'failed',
      resource_statuses: failing,
      logs: [
        { level: 'err', message: 'sh returned 1', source: 'Puppet' },
        {
          level: 'err',
          message: "change from 'notrun' to ['0'] failed: sh returned 1",
          source: '/Stage[main]/Web/Exec[reload]/returns',
        },
      ],
    });
    assert.equal(outcomeOf(endedRun(exited(4), { report }))['errors'], undefined);
  });
  test('fail the run with run.fail_on_error_lines', () => {
    const ended = endedRun(exited(0), { report: puppetReport({ logs: logs.slice(0, 2) }) });
    const run = outcomeOf({ ...ended, failOnErrorLines: true });
    assert.equal(run.status, 'failed');
    assert.match(run.error ?? '', /something is odd/);
  });
  test('without error lines, the run stays good with run.fail_on_error_lines', () => {
    const ended = endedRun(exited(0), { report: puppetReport({ logs: logs.slice(1, 2) }) });
    const run = outcomeOf({ ...ended, failOnErrorLines: true });
    assert.equal(run.status, 'unchanged');
    assert.ok(!('errors' in run));
  });
});

test('facts: integers beyond 2^53 keep their digits', () => {
  const text =
    '{"mountpoints":{"/efs":{"size_bytes":9223372036853727233}},"big":-90071992547409931,"pi":3.14159265358979311,"n":7}';
  const options = { deny: [], promote: ['big', 'mountpoints./efs.size_bytes'], maxBytes: 2 ** 20 };
  const facts = collectFacts(parseExactJson(text), options);
  const written = JSON.stringify(facts?.all);
  assert.match(written, /"size_bytes":9223372036853727233\b/);
  assert.match(written, /"big":-90071992547409931\b/);
  assert.match(written, /"n":7/);
  assert.match(JSON.stringify(facts?.promoted), /"big":-90071992547409931\b/);
});
