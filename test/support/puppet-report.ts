import type { EndedRun } from '../../agent/core/run/outcome.ts';
import type { PuppetExit, RunResults } from '../../agent/core/run/puppet-run.ts';

const STARTED = Date.parse('2026-11-23T15:00:00Z');
const NOTHING: RunResults = { report: undefined, facts: undefined, errors: [], problems: [] };
export const PASSED_LIMIT: PuppetExit = { kind: 'killed', signal: 'SIGKILL', why: 'time-limit' };

export function exited(exitCode: number): PuppetExit {
  return { kind: 'exited', exitCode };
}

export function reportMetrics(counts: Record<string, number>, changes = 0) {
  const values = (numbers: Record<string, number>) =>
    Object.entries(numbers).map(([name, value]) => [name, name, value]);
  return {
    resources: { name: 'resources', values: values(counts) },
    changes: { name: 'changes', values: values({ total: changes }) },
    time: { name: 'time', values: values({ total: 4.5 }) },
  };
}

/** A report as Puppet 7 writes it, reduced to what matters. */
export function puppetReport(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    time: '2026-11-23T15:00:02.277975877+00:00',
    status: 'unchanged',
    noop: false,
    noop_pending: false,
    transaction_completed: true,
    logs: [],
    metrics: reportMetrics({ total: 107 }),
    resource_statuses: {},
    ...overrides,
  };
}

/** A run that started at 15:00 and has ended. */
export function endedRun(exit: PuppetExit, results: Partial<RunResults> = {}): EndedRun {
  return {
    id: 'run-1',
    reason: 'asked for',
    noop: false,
    startedAt: STARTED,
    endedAt: STARTED + 6120,
    exit,
    results: { ...NOTHING, ...results },
    environmentDirectories: [
      '/var/lib/miyamoto/environments/stable',
      '/var/lib/miyamoto/view/stable',
    ],
    runDirectory: '/var/lib/miyamoto/runs/run-1',
  };
}

/** One of a report's `resource_statuses`. */
export function resourceStatus(overrides: Record<string, unknown> = {}) {
  return {
    failed: false,
    failed_to_restart: false,
    changed: false,
    file: '/var/lib/miyamoto/environments/stable/modules/web/manifests/init.pp',
    line: 7,
    containment_path: ['Stage[main]', 'Web', 'Exec[reload]'],
    events: [],
    ...overrides,
  };
}
