import type { RunStatus, RunSummary } from '../../../bucket/documents/status.ts';
import { cleanText } from '../../../shared/clean-text.ts';
import { type ReportView, viewReport } from './outcome-report.ts';
import type { PuppetExit, RunResults } from './puppet-run.ts';
import { viewSummary } from './run-counts.ts';

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
  /** `run.fail_on_error_lines`: error lines make a run fail although no resource failed. */
  readonly failOnErrorLines?: boolean;
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
  const stray = strayErrors(run, report);
  const status = statusWithErrors(statusOf(run.exit, report), run, stray.length);
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
    ...(stray.length > 0 ? { errors: stray.length } : {}),
    ...(run.results.problems.length > 0
      ? { problems: run.results.problems.slice(0, 10).map((text) => cleanText(text, 500)) }
      : {}),
  };
}

/** Errors that belong to no failed resource, from the report and from before it began. */
function strayErrors({ results }: EndedRun, report: ReportView | undefined): readonly string[] {
  if (report === undefined) return [];
  const inReport = new Set(report.errorLines);
  const before = (results.errorLines ?? []).filter((line) => !inReport.has(line));
  return [...before, ...report.strayErrors];
}

function statusWithErrors(status: RunStatus, run: EndedRun, errors: number): RunStatus {
  const isGood = status === 'unchanged' || status === 'changed' || status === 'pending';
  return isGood && errors > 0 && run.failOnErrorLines === true ? 'failed' : status;
}

/**
 * The report, or else what Puppet's summary has of it: a report that is too large must not make a
 * good run a failed one. An older time does not count against a report unless Puppet exited with 1,
 * because the clock may have been set back in the middle of the run.
 */
function reportOf(run: EndedRun): ReportView | undefined {
  const report = viewReport(run.results.report, (path) => relativeNames(path, run));
  if (report === undefined) {
    const { summary } = run.results;
    return summary === undefined ? undefined : viewSummary(summary, run);
  }
  const isOlder = report.startedAt < run.startedAt - CLOCK_SLACK_MS;
  return isOlder && run.exit.kind === 'exited' && run.exit.exitCode === 1 ? undefined : report;
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
  const total = report?.totalSeconds;
  const isClockBack = seenMs < 0 && total !== undefined;
  const ms =
    run.exit.kind === 'unseen' && report !== undefined && total !== undefined
      ? report.startedAt - run.startedAt + total * 1000
      : isClockBack
        ? total * 1000
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
  const lines = [...strayErrors(run, report), ...report.errors, ...run.results.errors];
  const logged = relativeNames([...new Set(lines)].join('\n'), run);
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
