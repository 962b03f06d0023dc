import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type EndedRun, outcomeOf } from '../../../../agent/core/run/outcome.ts';
import { RunSummary } from '../../../../bucket/documents/status.ts';
import { anyCodePoint } from '../../../support/fuzz.ts';
import {
  endedRun,
  exited,
  PASSED_LIMIT,
  puppetReport,
  reportMetrics,
  resourceStatus,
} from '../../../support/puppet-report.ts';

suite('the summary of a run', () => {
  test('no credential gets into it, whatever Puppet reports', () => {
    const secret = 'hunter2-hunter2';
    const text = `curl: token=${secret} was refused`;
    const status = resourceStatus({
      failed: true,
      changed: true,
      events: [{ status: 'failure', message: `sh -c "db_pass\u200bword=${secret}" returned 1` }],
    });
    const report = puppetReport({
      status: 'failed',
      resource_statuses: { [`Exec[${text}]`]: status },
      logs: [{ level: 'err', message: text, source: 'Puppet' }],
    });
    const results = { errors: [text], problems: [text], errorLines: [text] };
    const runs = [
      endedRun(exited(6), { ...results, report }),
      endedRun(exited(1), results),
      endedRun(PASSED_LIMIT, results),
      endedRun(exited(4), { ...results, report: puppetReport({ status: 'failed' }) }),
    ];
    for (const run of runs) {
      const summary = JSON.stringify(outcomeOf(run));
      assert.doesNotMatch(summary, /hunter2/);
      assert.match(summary, /curl: token=\[redacted\] was refused/);
    }
  });

  test('counts come from the metrics, and drift is separate from intended changes', () => {
    const counts = {
      total: 107,
      changed: 3,
      failed: 2,
      failed_to_restart: 1,
      skipped: 4,
      out_of_sync: 5,
      restarted: 2,
      corrective_change: 1,
    };
    const { resources } = outcomeOf(
      endedRun(exited(6), { report: puppetReport({ metrics: reportMetrics(counts) }) }),
    );
    assert.deepEqual(resources, {
      total: 107,
      changed: 3,
      failed: 2,
      skipped: 4,
      outOfSync: 5,
      restarted: 2,
      corrective: 1,
    });
  });

  test('failed resources say why and where, relative to the environment', () => {
    const summary = outcomeOf(
      endedRun(exited(4), {
        report: puppetReport({
          status: 'failed',
          logs: [
            { level: 'err', message: 'of another', source: '/Stage[main]/Web/Exec[reload2]' },
            { level: 'notice', message: 'no error', source: '/Stage[main]/Web/Exec[reload]' },
            { level: 'err', message: 'refresh failed', source: '/Stage[main]/Web/Exec[reload]' },
          ],
          resource_statuses: {
            'Exec[reload]': resourceStatus({ failed_to_restart: true }),
            'File[/a]': resourceStatus({
              failed: true,
              file: null,
              line: null,
              events: [
                'odd',
                { status: 'success', message: 'created' },
                { status: 'failure', message: 'change\u001b[31m failed\n\u202enow' },
              ],
            }),
            'File[/b]': resourceStatus({
              failed: true,
              file: '/etc/other/init.pp',
              events: 'odd',
              containment_path: 7,
            }),
            'File[/c]': resourceStatus(),
            'File[/d]': 'odd',
          },
        }),
      }),
    );
    const file = 'modules/web/manifests/init.pp';
    assert.deepEqual(summary.failedResources, [
      { resource: 'Exec[reload]', message: 'refresh failed', file, line: 7 },
      { resource: 'File[/a]', message: 'change [31m failed\nnow', file: null, line: null },
      {
        resource: 'File[/b]',
        message: 'failed, and the report gives no reason',
        file: '/etc/other/init.pp',
        line: 7,
      },
    ]);
    assert.equal(summary.error, null);
  });

  test('lists are capped, and the summary says so', () => {
    const names = Array.from({ length: 30 }, (_, at) => `File[/${at}]`);
    const statuses = (status: unknown) => Object.fromEntries(names.map((name) => [name, status]));
    const changed = outcomeOf(
      endedRun(exited(2), {
        report: puppetReport({
          status: 'changed',
          resource_statuses: statuses(resourceStatus({ changed: true })),
        }),
      }),
    );
    assert.deepEqual(changed.changedResources, names.slice(0, 20));
    assert.equal(changed.changedResourcesTotal, 30);
    const failed = outcomeOf(
      endedRun(exited(4), {
        report: puppetReport({
          status: 'failed',
          resource_statuses: statuses(resourceStatus({ failed: true })),
        }),
      }),
    );
    assert.equal(failed.failedResources.length, 20);
  });

  test('a noop run lists what would change, and is marked as noop', () => {
    const events = [{ status: 'noop', message: 'current_value absent, should be present (noop)' }];
    const summary = outcomeOf(
      endedRun(exited(0), {
        report: puppetReport({
          noop: true,
          noop_pending: true,
          resource_statuses: {
            'File[/a]': resourceStatus({ events }),
            'File[/b]': resourceStatus(),
          },
        }),
      }),
    );
    assert.deepEqual(
      [summary.noop, summary.changedResources, summary.changedResourcesTotal],
      [true, ['File[/a]'], 1],
    );
  });

  test('a run that did not compile gives its first errors, with files of the environment', () => {
    const errors = [
      'Error: Evaluation Error: Unknown class (file: /var/lib/miyamoto/environments/stable/manifests/site.pp, line: 3)',
      'Error: with an overlay (file: /var/lib/miyamoto/view/stable/manifests/node.pp, line: 1)',
      'Error: old form (file: /var/lib/miyamoto/runs/run-1/manifests/classes/web.pp, line: 1)',
    ];
    assert.equal(
      outcomeOf(endedRun(exited(1), { errors })).error,
      'Error: Evaluation Error: Unknown class (file: manifests/site.pp, line: 3)\nError: with an overlay (file: manifests/node.pp, line: 1)\nError: old form (file: classes/web.pp, line: 1)',
    );
  });

  const errorTexts: Record<string, [EndedRun, RegExp | null]> = {
    'no report and no word': [endedRun(exited(0)), /exited with 0 and left no report/],
    'no report, picked up': [endedRun({ kind: 'unseen' }), /broke off/],
    'a report that cannot be read': [
      endedRun(exited(1), { reportProblem: 'too large' }),
      /^too large$/,
    ],
    'a transaction that was broken off': [
      endedRun(exited(1), {
        report: puppetReport({
          status: 'failed',
          logs: [{ level: 'err', message: 'Found 1 dependency cycle', source: 'Puppet' }, 'odd'],
        }),
      }),
      /^Found 1 dependency cycle$/,
    ],
    'a failed report without a word': [
      endedRun(exited(1), { report: puppetReport({ status: 'failed' }) }),
      /exited with 1; its report does not say why/,
    ],
    'the same, picked up': [
      endedRun({ kind: 'unseen' }, { report: puppetReport({ status: 'failed' }) }),
      /^puppet ended; /,
    ],
    'the time limit': [
      endedRun(PASSED_LIMIT, { errors: ['Error: x'] }),
      /^the time limit .*SIGKILL\nError: x$/,
    ],
    'the agent stopped': [
      endedRun({ kind: 'killed', signal: 'SIGTERM', why: 'stopped' }),
      /agent was stopped/,
    ],
    'another process': [endedRun({ kind: 'killed', signal: 'SIGSEGV', why: 'foreign' }), /SIGSEGV/],
    'a good run': [endedRun(exited(0), { report: puppetReport(), errors: ['Error: x'] }), null],
  };
  for (const [name, [ended, expected]] of Object.entries(errorTexts)) {
    test(`error: ${name}`, () => {
      const { error } = outcomeOf(ended);
      if (expected === null) assert.equal(error, null);
      else assert.match(error ?? '', expected);
    });
  }

  test('exit code, the cause of a kill, and the duration', () => {
    const good = outcomeOf(endedRun(exited(0), { report: puppetReport() }));
    assert.deepEqual([good.exitCode, good.killedBy, good.durationSeconds], [0, undefined, 6.12]);
    const killed = outcomeOf(endedRun(PASSED_LIMIT));
    assert.deepEqual(
      [killed.exitCode, killed.killedBy, killed.resources],
      [null, 'time-limit', null],
    );
    const unseen = outcomeOf(endedRun({ kind: 'unseen' }, { report: puppetReport() }));
    assert.equal(unseen.durationSeconds, 2.277 + 4.5);
    assert.equal(outcomeOf(endedRun({ kind: 'unseen' })).killedBy, 'foreign');
    assert.equal(outcomeOf({ ...endedRun(exited(0)), endedAt: 0 }).durationSeconds, 0);
  });

  test('texts are cut to the limits of the document, between characters', () => {
    const error =
      outcomeOf(endedRun(exited(1), { errors: ['\u{1f600}'.repeat(5000)] })).error ?? '';
    assert.equal(error.length, 2000);
    assert.equal(error.at(-1), '…');
    assert.ok(error.isWellFormed());
  });

  test('any JSON for a report gives a summary that fits the schema', () => {
    const odd = fc.record(
      {
        time: fc.constantFrom('2026-11-23T15:00:02Z', 'soon', 7),
        status: fc.constantFrom('failed', 'changed', 'unchanged', 'odd'),
        noop: fc.jsonValue(),
        logs: fc.oneof(
          fc.jsonValue(),
          fc.array(fc.record({ level: fc.constant('err'), message: fc.string() })),
        ),
        metrics: fc.oneof(
          fc.jsonValue(),
          fc.constant(reportMetrics({ total: 1e300, failed: -1.5 })),
        ),
        resource_statuses: fc.dictionary(
          fc.string({ maxLength: 400, unit: anyCodePoint }),
          fc.oneof(
            fc.jsonValue(),
            fc.record({ failed: fc.boolean(), file: fc.string(), changed: fc.boolean() }),
          ),
        ),
      },
      { requiredKeys: ['time', 'status'] },
    );
    fc.assert(
      fc.property(
        fc.oneof(odd, fc.jsonValue()),
        fc.string({ unit: anyCodePoint, maxLength: 3000 }),
        (raw, line) => {
          for (const exit of [exited(4), exited(1), PASSED_LIMIT]) {
            RunSummary.parse(outcomeOf(endedRun(exit, { report: raw, errors: [line] })));
          }
        },
      ),
    );
  });
});
