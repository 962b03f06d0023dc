import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_NOTE } from '../../../../agent/core/status/daemon-note.ts';
import { explain, type WhyView } from '../../../../agent/core/status/why-text.ts';
import { SET_CLOCK } from '../../../../shared/set-clock.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const NOW = Date.parse('2026-11-23T10:10:00.000Z');
const LATER = '2026-11-23T12:00:00.000Z';
const note = {
  lastPollAt: '2026-11-23T10:09:48.000Z',
  lastPoll: 'nothing new',
  nextPollAt: '2026-11-23T10:14:00.000Z',
  nextRunAt: '2026-11-23T10:30:00.000Z',
  daemonVersion: null,
};
const quiet: WhyView = {
  ...sampleStatus,
  ...note,
  daemon: { pid: 7, since: '2026-11-20T10:00:00.000Z', service: 'mm-agent.service' },
  log: 'journalctl -u mm-agent.service',
  startCommand: 'systemctl start mm-agent',
  uploadedAt: null,
  cycleUnderWay: false,
  decision: { at: '2026-11-23T10:00:00.000Z', trigger: 'apply', run: 'run', why: 'it was due' },
};
const error = { code: 'S3_UNREACHABLE', message: 'no answer' };
const failed = { ...sampleRun, status: 'failed' as const };

const views: Record<string, { view: Partial<WhyView>; says: RegExp; next: string }> = {
  'nothing new': {
    view: {},
    says: /nothing new, .*12 s ago\. .*The last cycle, 10 min ago .*ran Puppet: it was due\. The next poll is due in 4 min, .*next run of the schedule is due in 20 min/,
    next: 'mm-agent run',
  },
  'no run is scheduled': {
    view: { nextRunAt: null },
    says: /no run is scheduled/,
    next: 'mm-agent run',
  },
  'no daemon': {
    view: { ...NO_NOTE, daemon: null },
    says: /No daemon runs/,
    next: 'systemctl start mm-agent, or mm-agent --once',
  },
  'a daemon of an older version': {
    view: { ...NO_NOTE },
    says: /has not ended its first turn/,
    next: 'mm-agent run',
  },
  'a clock that is off': {
    view: {
      trust: {
        ...sampleStatus.trust,
        clockOffsetSeconds: 5_184_000,
        error: { code: 'METADATA_EXPIRED', message: 'timestamp.json is expired' },
      },
    },
    says: /The clock of this host is 60 days ahead of that of the bucket\. .*METADATA_EXPIRED/,
    next: SET_CLOCK,
  },
  disabled: {
    view: {
      disabled: { reason: 'migration', by: 'ann', until: LATER },
      trust: { ...sampleStatus.trust, error },
    },
    says: /disabled by ann until 2026-11-23T12:00:00.000Z: migration/,
    next: 'mm-agent enable',
  },
  'disabled by Puppet': {
    view: { disabled: { reason: 'x', by: 'puppet', until: null } },
    says: /until it is enabled/,
    next: 'puppet agent --enable',
  },
  'the bucket does not answer': {
    view: { trust: { ...sampleStatus.trust, state: 'unreachable', error } },
    says: /S3_UNREACHABLE: no answer\. The host keeps its release/,
    next: 'mm-agent --once',
  },
  stopped: {
    view: { trust: { ...sampleStatus.trust, state: 'stopped', why: 'it deletes data' } },
    says: /"stopped": it deletes data/,
    next: 'mm-agent run',
  },
  'a release that is held back': {
    view: { offered: { version: '1.5.0', sha256: 'b'.repeat(64), why: 'freeze' } },
    says: /Release 1\.5\.0 is offered and not active: freeze/,
    next: 'mm-agent run',
  },
  'no release': { view: { release: null }, says: /no release yet/, next: 'mm-agent run' },
  'the window is closed': {
    view: { window: { opensAt: LATER, why: 'apply_window is closed' } },
    says: /changes nothing now: apply_window is closed/,
    next: 'mm-agent --once --ignore-window',
  },
  'the window has opened since': {
    view: { window: { opensAt: '2026-11-23T10:05:00.000Z', why: 'apply_window is closed' } },
    says: /^(?!.*apply_window)/,
    next: 'mm-agent run',
  },
  deferred: {
    view: { deferred: { since: LATER, until: LATER, why: 'on battery power' } },
    says: /A run waits, on battery power/,
    next: 'mm-agent --once',
  },
  'a failed run': {
    view: { run: failed, retry: { try: 2, of: 5, at: LATER } },
    says: /ended as failed\. Try 2 of 5 is due at 2026-11-23T12/,
    next: `mm-agent log ${sampleRun.id}`,
  },
  'a run that was not begun': {
    view: { run: { ...failed, errorCode: 'HOOK_FAILED', error: 'no run without it.\nmore' } },
    says: /ended as failed, HOOK_FAILED: no run without it\. It is tried/,
    next: `mm-agent log ${sampleRun.id}`,
  },
  'a resource that failed': {
    view: {
      run: {
        ...failed,
        failedResources: [{ resource: 'File[/a]', message: 'no', file: null, line: null }],
      },
    },
    says: /ended as failed, File\[\/a\]: no\. /,
    next: `mm-agent log ${sampleRun.id}`,
  },
  'all tries have failed': {
    view: { run: failed, retry: { try: 5, of: 5, at: null } },
    says: /All 5 tries have failed/,
    next: `mm-agent log ${sampleRun.id}`,
  },
};
for (const [name, { view, says, next }] of Object.entries(views)) {
  test(`why: ${name}`, () => {
    const found = explain({ ...quiet, ...view }, NOW);
    assert.match(found.sentences.join(' '), says);
    assert.equal(found.next, next);
  });
}
