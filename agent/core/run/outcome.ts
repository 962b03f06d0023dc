import type { RunStatus, RunSummary } from '../../../bucket/documents/status.ts';
import { cleanText } from '../../../shared/clean-text.ts';
import { hostFault } from './host-fault.ts';
import { type ReportView, viewReport } from './outcome-report.ts';
import type { PuppetExit, RunResults } from './puppet-run.ts';
import { viewSummary } from './run-counts.ts';
import { safeText } from './safe-text.ts';

/*
 * The outcome of a run, from three sources: the report (outcome-report.ts), the console output
 * (puppet-line.ts), and Puppet's own summary (run-counts.ts).
 */

/** An ended run. Instants are ms since 1970. */
export interface EndedRun {
  readonly id: string;
  readonly reason: string;
  /** As requested. When puppet.conf sets noop, only the report says so. */
  readonly noop: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exit: PuppetExit;
  readonly results: RunResults;
  /** What is wrong with the disk of the run when it has ended. */
  readonly diskError?: 'DISK_FULL' | 'DISK_READ_ONLY' | undefined;
  /** `run.fail_on_error_lines`: error lines make a run fail although no resource failed. */
  readonly failOnErrorLines?: boolean;
  /** Where Puppet may have seen the environment: files are named relative to it. */
  readonly environmentDirectories: readonly string[];
  /** The run's own directory. Environments of the older form are applied through links in it. */
  readonly runDirectory: string;
}

const MOST_LISTED = 20;
/** Tolerance in ms for a clock that was set back a little between our start and that of Puppet. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Returns the outcome of a run. The exit code alone is not enough: code 1 means a failed
 * compilation or an aborted transaction, a noop run with pending changes exits with 0, and a report
 * can be `failed` although the code is not.
 */
export function outcomeOf(ended: EndedRun): RunSummary {
  const run = { ...ended, exit: exitOf(ended) };
  const seen = viewReport(run.results.report, (path) => relativeNames(path, run));
  const isOfEarlier = seen !== undefined && isOlder(seen, run);
  const report = isOfEarlier ? undefined : reportOf(run, seen);
  const reportProblem = isOfEarlier ? OF_EARLIER_RUN : problemOf(run, seen);
  const problems = [reportProblem, ...run.results.problems].filter((text) => text !== undefined);
  const stray = strayErrors(run, report);
  const seenStatus = statusOf(run.exit, report, reportProblem !== undefined);
  // Puppet could not write its report: that says nothing about the release.
  const isFailed = seenStatus === 'failed' || seenStatus === 'not-compiled';
  const diskError = isFailed && report === undefined ? run.diskError : undefined;
  const fault = isFailed && diskError === undefined ? faultOfHost(run, report) : undefined;
  const errorCode = diskError ?? (fault && 'HOST_DATA_FAILED');
  const status = errorCode ? 'failed' : statusWithErrors(seenStatus, run, stray.length);
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
    // When the report cannot be read, there are only counts.
    changedResourcesTotal: seen === report ? listed.length : countOf(status, report),
    error: errorOf(run, status, report, reportProblem, fault),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(stray.length > 0 ? { errors: stray.length } : {}),
    ...(problems.length > 0
      ? { problems: problems.slice(0, 10).map((text) => safeText(text, 500)) }
      : {}),
  };
}

/** The resources that changed, or that would change, by the counts of Puppet's summary. */
function countOf(status: RunStatus, report: ReportView | undefined): number {
  const { changed = 0, outOfSync = 0 } = report?.counts ?? {};
  return status === 'pending' ? outOfSync : changed;
}

/** An older report is refused only with exit code 1, because the clock may have been set back. */
function isOlder({ startedAt }: ReportView, run: EndedRun): boolean {
  const { exit } = run;
  const hasOldTime = startedAt < run.startedAt - CLOCK_SLACK_MS;
  return hasOldTime && exit.kind === 'exited' && exit.exitCode === 1;
}

const OF_EARLIER_RUN = 'cannot use the report of Puppet: it is older than the run';

/** Why a report cannot be used; undefined when it can, and when Puppet left no report at all. */
function problemOf({ results }: EndedRun, seen: ReportView | undefined): string | undefined {
  return results.report !== undefined && seen === undefined
    ? 'cannot use the report of Puppet: it has an unknown form'
    : results.reportProblem;
}

/**
 * Puppet handles SIGTERM, SIGHUP and SIGINT like an error and exits with 1. That says nothing about
 * the release: the machine may be shutting down, or a person stops Puppet.
 */
function exitOf({ exit, results: { signal } }: EndedRun): PuppetExit {
  if (exit.kind !== 'exited' || exit.exitCode !== 1) return exit;
  return signal === undefined ? exit : { kind: 'killed', signal, why: 'foreign' };
}

/** Returns what is wrong with the host when a failed run does not prove a fault of the release. */
function faultOfHost({ results }: EndedRun, report: ReportView | undefined): string | undefined {
  if (report !== undefined && report.failed.length > 0) return undefined;
  return hostFault(report?.strayErrors ?? results.errors);
}

const GOOD: ReadonlySet<RunStatus> = new Set(['unchanged', 'changed', 'pending']);

/**
 * Errors that belong to no failed resource: those of the report, and those from before it began.
 */
function strayErrors({ results }: EndedRun, report: ReportView | undefined): readonly string[] {
  if (report === undefined)
    return results.reportProblem === undefined ? [] : (results.errorLines ?? []);
  const inReport = new Set(report.errorLines);
  const before = (results.errorLines ?? []).filter((line) => !inReport.has(line));
  return [...before, ...report.strayErrors];
}

function statusWithErrors(status: RunStatus, run: EndedRun, errors: number): RunStatus {
  return GOOD.has(status) && errors > 0 && run.failOnErrorLines === true ? 'failed' : status;
}

/**
 * The report, or the counts of Puppet's summary: a report that is too large must not turn a good
 * run into a failed one.
 */
function reportOf(run: EndedRun, report: ReportView | undefined): ReportView | undefined {
  const { summary } = run.results;
  return report ?? (summary === undefined ? undefined : viewSummary(summary, run));
}

function statusOf(
  exit: PuppetExit,
  report: ReportView | undefined,
  isReportLost: boolean,
): RunStatus {
  if (exit.kind === 'killed') return 'killed';
  if (exit.kind === 'unseen' && !(report?.completed ?? false)) return 'killed';
  if (report === undefined) {
    if (exit.kind !== 'exited') return 'failed';
    if (exit.exitCode === 1) return 'not-compiled';
    // A full disk damages report and summary of a successful run. Without any report the run did
    // not reach its end.
    if (!isReportLost || !GOOD_CODES.has(exit.exitCode)) return 'failed';
    return exit.exitCode === 2 ? 'changed' : 'unchanged';
  }
  if (report.status === 'failed' || (exit.kind === 'exited' && !GOOD_CODES.has(exit.exitCode))) {
    return 'failed';
  }
  if (report.status === 'changed') return 'changed';
  // Single resources can be noop in a run that is not noop.
  return report.noopPending ? 'pending' : 'unchanged';
}

const GOOD_CODES: ReadonlySet<number> = new Set([0, 2]);

/** When a run ended without an agent, only the report has the time of its end. */
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

function errorOf(
  run: EndedRun,
  status: RunStatus,
  report: ReportView | undefined,
  reportProblem: string | undefined,
  fault: string | undefined,
): string | null {
  if (GOOD.has(status)) return null;
  const lines = [fault, ...errorLines(run, reportProblem)].filter((line) => line !== undefined);
  if (status === 'killed') return safeText([killedText(run.exit), ...lines].join('\n'), 2000);
  if (status === 'not-compiled' || report === undefined) {
    const ended = `${exitText(run.exit)}${reportProblem === undefined ? ' and left no report' : ''}`;
    const isKnown = lines.length > 0 && (status === 'not-compiled' || fault !== undefined);
    return safeText((isKnown ? lines : [ended, ...lines]).join('\n'), 2000);
  }
  if (status !== 'failed' || report.failed.length > 0) return null;
  const logs = [fault, ...strayErrors(run, report), ...report.errors, ...run.results.errors];
  const logged = relativeNames(
    [...new Set(logs.filter((line) => line !== undefined))].join('\n'),
    run,
  );
  return safeText(
    logged === '' ? `${exitText(run.exit)}; its report does not say why` : logged,
    2000,
  );
}

function errorLines({ results, ...run }: EndedRun, reportProblem: string | undefined): string[] {
  const lines = results.errors.map((line) => relativeNames(line, run));
  return [...lines, reportProblem, ...results.problems].filter((line) => line !== undefined);
}

function killedText(exit: PuppetExit): string {
  if (exit.kind !== 'killed') return 'the run broke off while no agent was there to see it';
  switch (exit.why) {
    case 'time-limit':
      return `the time limit passed; ended by ${exit.signal}`;
    case 'stopped':
      return `the agent was stopped; Puppet was ended by ${exit.signal}`;
    case 'foreign':
      return `Puppet was ended by ${exit.signal}, which the agent did not send`;
  }
}

function exitText(exit: PuppetExit): string {
  return exit.kind === 'exited' ? `puppet exited with ${exit.exitCode}` : 'puppet ended';
}

/**
 * Makes the names of files the same on every host, so that the failures of a fleet can be counted.
 */
function relativeNames(
  text: string,
  run: Pick<EndedRun, 'environmentDirectories' | 'runDirectory'>,
): string {
  const directories = [...run.environmentDirectories, `${run.runDirectory}/manifests`];
  return directories.reduce((rest, directory) => rest.replaceAll(`${directory}/`, ''), text);
}
