import type { RunStatus, RunSummary } from '../../../bucket/documents/status.ts';
import { cleanText } from '../../../shared/clean-text.ts';
import { type ReportView, viewReport } from './outcome-report.ts';
import type { PuppetExit, RunResults } from './puppet-run.ts';

/** A run that is over. Instants are ms since 1970. */
export interface EndedRun {
  readonly id: string;
  readonly reason: string;
  /** As asked for; the report knows better when puppet.conf says noop. */
  readonly noop: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exit: PuppetExit;
  readonly results: RunResults;
  /** The environment's directory as Puppet was given it: files are named relative to it. */
  readonly environmentDirectory: string;
  /**
   * The run's own directory: files of the older form of an environment are applied through links in
   * it.
   */
  readonly runDirectory: string;
}

const MOST_LISTED = 20;
/** A clock set back a little between our start and Puppet's must not cost the report. */
const CLOCK_SLACK_MS = 60_000;

/**
 * What a run came to. Neither the exit code nor the report says it alone: 1 is a catalog that did
 * not compile or a transaction that was broken off, noop with pending changes is 0, and a report
 * can be `failed` where the code is not.
 */
export function outcomeOf(run: EndedRun): RunSummary {
  const report = reportOf(run);
  const status = statusOf(run.exit, report);
  const listed = (status === 'pending' ? report?.pending : report?.changed) ?? [];
  return {
    id: cleanText(run.id, 64),
    status,
    reason: cleanText(run.reason, 500),
    noop: report?.noop ?? run.noop,
    exitCode: run.exit.kind === 'exited' ? run.exit.exitCode : null,
    ...(status === 'killed'
      ? { killedBy: run.exit.kind === 'killed' ? run.exit.why : 'foreign' }
      : {}),
    startedAt: new Date(run.startedAt).toISOString(),
    durationSeconds: durationOf(run, report),
    resources: report?.counts ?? null,
    failedResources: report?.failed.slice(0, MOST_LISTED) ?? [],
    changedResources: listed.slice(0, MOST_LISTED),
    changedResourcesTotal: listed.length,
    error: errorOf(run, status, report),
  };
}

function reportOf(run: EndedRun): ReportView | undefined {
  const report = viewReport(run.results.report, (path) => relativeNames(path, run));
  return report !== undefined && report.startedAt < run.startedAt - CLOCK_SLACK_MS
    ? undefined
    : report;
}

function statusOf(exit: PuppetExit, report: ReportView | undefined): RunStatus {
  if (exit.kind === 'killed') return 'killed';
  if (exit.kind === 'unseen' && !(report?.completed ?? false)) return 'killed';
  if (report === undefined) {
    return exit.kind === 'exited' && exit.exitCode === 1 ? 'not-compiled' : 'failed';
  }
  if (report.status === 'failed' || (exit.kind === 'exited' && !GOOD_CODES.has(exit.exitCode))) {
    return 'failed';
  }
  if (report.status === 'changed') return 'changed';
  // Single resources can be noop in a run that is not.
  return report.noopPending ? 'pending' : 'unchanged';
}

const GOOD_CODES: ReadonlySet<number> = new Set([0, 2]);

/** Of a run that ended unseen only the report knows when that was. */
function durationOf(run: EndedRun, report: ReportView | undefined): number {
  const seenMs = run.endedAt - run.startedAt;
  const ms =
    run.exit.kind === 'unseen' && report?.totalSeconds !== undefined
      ? report.startedAt - run.startedAt + report.totalSeconds * 1000
      : seenMs;
  return Math.max(0, Math.round(ms)) / 1000;
}

function errorOf(run: EndedRun, status: RunStatus, report: ReportView | undefined): string | null {
  if (status === 'killed')
    return cleanText([killedText(run.exit), ...errorLines(run)].join('\n'), 2000);
  if (status === 'not-compiled' || report === undefined) {
    const lines = errorLines(run);
    return cleanText(
      lines.length > 0 ? lines.join('\n') : `${exitText(run.exit)} and left no report`,
      2000,
    );
  }
  if (status !== 'failed' || report.failed.length > 0) return null;
  const logged = relativeNames(report.errors.join('\n'), run);
  return cleanText(
    logged === '' ? `${exitText(run.exit)}; its report does not say why` : logged,
    2000,
  );
}

function errorLines({ results, ...run }: EndedRun): string[] {
  return [...results.errors.map((line) => relativeNames(line, run)), ...results.problems];
}

function killedText(exit: PuppetExit): string {
  if (exit.kind !== 'killed') return 'the run broke off while no agent was there to see it';
  switch (exit.why) {
    case 'time-limit':
      return `the time limit passed; ended by ${exit.signal}`;
    case 'stopped':
      return `the agent was told to stop; ended by ${exit.signal}`;
    case 'foreign':
      return `somebody else ended Puppet by ${exit.signal}`;
  }
}

function exitText(exit: PuppetExit): string {
  return exit.kind === 'exited' ? `puppet exited with ${exit.exitCode}` : 'puppet ended';
}

/**
 * Every host has the same names for the same files, so that the fleet's failures can be counted.
 */
function relativeNames(
  text: string,
  run: Pick<EndedRun, 'environmentDirectory' | 'runDirectory'>,
): string {
  return text
    .replaceAll(`${run.environmentDirectory}/`, '')
    .replaceAll(`${run.runDirectory}/manifests/`, '');
}
