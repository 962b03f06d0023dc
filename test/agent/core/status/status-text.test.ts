import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyLines } from '../../../../agent/core/run/history-text.ts';
import { countsText, wouldChange } from '../../../../agent/core/run/run-text.ts';
import { parseDaemonNote } from '../../../../agent/core/status/daemon-note.ts';
import { diffLines } from '../../../../agent/core/status/diff-text.ts';
import { type LocalStatus, statusLines } from '../../../../agent/core/status/status-text.ts';
import type { RunSummary } from '../../../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const NOW = Date.parse('2026-11-23T10:10:00.000Z');
const resources = { ...sampleRun.resources!, outOfSync: 7, failed: 1 };
const local: LocalStatus = {
  ...sampleStatus,
  ...parseDaemonNote(undefined),
  daemon: null,
  log: 'journalctl -u mm-agent.service',
  startCommand: 'systemctl start mm-agent',
  uploadedAt: null,
  cycleUnderWay: false,
};

const counts: Record<string, { run: Partial<RunSummary>; want: string | undefined }> = {
  'a run': { run: {}, want: '0 changed, 0 failed of 107 resources' },
  'a noop run': {
    run: { noop: true, status: 'pending', changedResourcesTotal: 6 },
    want: '6 would change, 0 failed of 107 resources',
  },
  'a noop run that failed': {
    run: { noop: true, status: 'failed', resources },
    want: '6 would change, 1 failed of 107 resources',
  },
  'a run without a report': { run: { resources: null }, want: undefined },
};
for (const [name, { run, want }] of Object.entries(counts)) {
  test(`status text: the counts of ${name}`, () => {
    assert.equal(countsText({ ...sampleRun, ...run }), want);
    assert.equal(wouldChange({ ...sampleRun, ...run }) !== undefined, run.noop === true);
  });
}

test('status text: how many runs wait for the next report', () => {
  const text = (offline: LocalStatus['offline']) =>
    statusLines({ ...local, offline }, NOW).join('\n');
  assert.match(
    text({ runs: 17, skipped: 3, failed: 2 }),
    /^reported +never; since then 17 runs, 2 failed, 3 skipped$/m,
  );
  assert.match(text({ runs: 0, skipped: 0 }), /^reported +never$/m);
});

const diffs: Record<string, { run: Partial<RunSummary>; want: RegExp }> = {
  'nothing would change': { run: { noop: true }, want: /^nothing would change$/ },
  'some would change': {
    run: {
      noop: true,
      status: 'pending',
      changedResources: ['File[/a]'],
      changedResourcesTotal: 3,
    },
    want: /^3 of 107 resources would change:\n {2}File\[\/a\]\n {2}and 2 more; .*mm-agent log /,
  },
  'it does not compile': {
    run: { noop: true, status: 'not-compiled', resources: null, error: 'syntax error' },
    want: /^not-compiled \(noop\).*\nsyntax error$/,
  },
};
for (const [name, { run, want }] of Object.entries(diffs)) {
  test(`diff text: ${name}`, () => {
    assert.match(diffLines({ ...sampleRun, ...run }).join('\n'), want);
  });
}

const rows: Record<string, { status: Partial<LocalStatus>; want: RegExp }> = {
  'no daemon': { status: {}, want: /^daemon +not running; .*systemctl start mm-agent$/m },
  'a daemon, and what comes next': {
    status: {
      daemon: { pid: 7, since: '2026-11-23T07:10:00.000Z', service: 'mm-agent.service' },
      nextPollAt: '2026-11-23T10:14:00.000Z',
      nextRunAt: '2026-11-23T10:30:00.000Z',
    },
    want: /^daemon +up since 3 h ago \(mm-agent\.service, process 7\), polls in 4 min, runs in 20 min$/m,
  },
  'a daemon by hand, without a scheduled run': {
    status: { daemon: { pid: 7, since: '2026-11-23T10:09:00.000Z', service: null } },
    want: /^daemon +up since 60 s ago \(by hand, process 7\)$/m,
  },
  'the log': {
    status: {},
    want: /^log +journalctl -u mm-agent\.service; of Puppet: mm-agent log$/m,
  },
  'a clock that is ahead': {
    status: { trust: { ...sampleStatus.trust, clockOffsetSeconds: 300 } },
    want: /^clock +5 min ahead of that of the bucket/m,
  },
  'a clock that is behind': {
    status: { trust: { ...sampleStatus.trust, clockOffsetSeconds: -90 } },
    want: /^clock +90 s behind that of the bucket/m,
  },
  'a clock that is right': {
    status: { trust: { ...sampleStatus.trust, clockOffsetSeconds: 2 } },
    want: /^(?!.*\nclock)/s,
  },
};
for (const [name, { status, want }] of Object.entries(rows)) {
  test(`status text: ${name}`, () => {
    assert.match(statusLines({ ...local, ...status }, NOW).join('\n'), want);
  });
}

test('status text: a note of another form says nothing', () => {
  for (const text of ['2026-11-23T10:00:00.000Z', '[', 'null', '{"nextPollAt":"\u001b[2J"}']) {
    assert.equal(parseDaemonNote(text).nextPollAt, null, text);
  }
});

test('history text: columns are aligned, and a run without a release has its environment', () => {
  const entry = { schemaVersion: 1 as const, environment: 'stable', release: null, run: sampleRun };
  const release = { version: '1.4.2', sha256: 'a'.repeat(64) };
  const run = { ...sampleRun, id: 'short', noop: true };
  const [title = '', ...lines] = historyLines([entry, { ...entry, release, run }]);
  const column = title.indexOf('release');
  assert.deepEqual(
    lines.map((line) => line.slice(column, column + 12).trim()),
    ['stable', 'stable 1.4.2'],
  );
});

test('status text: a bad release, a fight and a failed hook, each with what is known', () => {
  const at = '2026-11-23T10:00:00.000Z';
  const lines = statusLines(
    {
      ...local,
      bad: [
        {
          ...{ version: '1.5.0', sha256: 'b'.repeat(64), outcome: 'failed', runId: 'run-1' },
          ...{ exitCode: 4, errors: ['File[/a]: denied', 'two\nlines'], at },
        },
      ],
      fights: [
        {
          ...{ resource: 'File[/a]', property: 'mode', previous: '0600', desired: '0644' },
          ...{ runs: 3, since: at },
        },
      ],
      hooks: [{ stage: 'post-run', name: 'mail', why: 'ended with exit code 1', output: 'no' }],
    },
    NOW,
  );
  const from = (name: string) => lines.filter((line) => line.startsWith(name));
  assert.deepEqual(from('bad'), [
    'bad        1.5.0: failed with exit code 4 10 min ago, run run-1\n' +
      '           File[/a]: denied\n           two\n           lines',
  ]);
  assert.deepEqual(from('fight'), [
    'fight      File[/a] mode: changed from 0600 to 0644 in 3 runs in a row, first 10 min ago',
  ]);
  assert.deepEqual(from('hook'), ['hook       post-run/mail ended with exit code 1: no']);
});
