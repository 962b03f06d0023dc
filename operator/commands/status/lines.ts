import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import { ageSeconds, shortAge } from '../../hosts/last-report.ts';
import { pinnedText, retryText, sharedText, windowText } from '../../hosts/summary.ts';

/** A status as lines for a terminal. The host wrote every text in it, so each line is cleaned. */
export function statusLines(status: StatusDocument, now: number): string[] {
  const { certname, environment, tree, release, offered, trust, run, disabled } = status;
  const { retry, window, deferred, pin } = status;
  const closed = windowText(window ?? null, now);
  const versions = `agent ${status.versions.agent}, puppet ${status.versions.puppet ?? 'none'}`;
  const lines = [
    `${certname}  (${tree}, ${environment}; ${versions})`,
    field('release', release === null ? 'none yet' : releaseText(release)),
    field('trust', [trust.state, trust.error?.message ?? trust.why].filter(Boolean).join(': ')),
    ...(run === null ? [field('run', 'none yet')] : runLines(run)),
    ...healthLines(status),
    ...(retry === undefined ? [] : [field('retry', retryText(retry))]),
    ...(closed === null ? [] : [field('window', closed)]),
    ...(pin === undefined ? [] : [field('pinned', pinnedText(pin))]),
    ...(deferred === undefined ? [] : [field('deferred', deferred.why)]),
    field('written', writtenText(status, now)),
  ];
  if (status.otherWriter !== undefined) lines.push(field('shared', sharedText(status.otherWriter)));
  if (offered !== null) lines.push(field('held back', `${offered.version}: ${offered.why}`));
  if (disabled !== null) {
    const until = disabled.until === null ? '' : `, until ${disabled.until}`;
    lines.push(field('disabled', `${disabled.reason} (${disabled.by ?? 'unknown'}${until})`));
  }
  return lines.map((line) => printable(line, 400));
}

function releaseText({ version, commit, activatedAt }: NonNullable<StatusDocument['release']>) {
  return `${version}, commit ${commit?.slice(0, 10) ?? 'none'}, active since ${activatedAt}`;
}

function runLines(run: RunSummary): string[] {
  const { status, noop, startedAt, durationSeconds, resources, reason } = run;
  const took = `${startedAt}, ${Math.round(durationSeconds)} s`;
  const lines = [field('run', `${status}${noop ? ' (noop)' : ''}, ${took}; ${reason}`)];
  if (resources !== null) {
    const { total, changed, failed, skipped } = resources;
    lines.push(
      field('resources', `${total}, changed ${changed}, failed ${failed}, skipped ${skipped}`),
    );
  }
  if (run.error !== null) {
    const code = run.errorCode === undefined ? '' : `${run.errorCode}: `;
    lines.push(field('error', `${code}${run.error}`));
  }
  if (run.errors !== undefined) lines.push(field('errors', `${run.errors} in no failed resource`));
  for (const problem of run.problems ?? []) lines.push(field('problem', problem));
  for (const { resource, message, file, line } of run.failedResources) {
    const where = file === null ? '' : ` at ${file}:${line ?? '?'}`;
    lines.push(field('failed', `${resource}${where}: ${message}`));
  }
  // A run whose report could not be read has the number of them only.
  if (run.changedResources.length > 0) {
    const more = run.changedResourcesTotal - run.changedResources.length;
    const rest = more > 0 ? ` and ${more} more` : '';
    lines.push(field('changed', `${run.changedResources.join(', ')}${rest}`));
  }
  return lines;
}

/** What the host has found out about its releases, its resources and its hooks. */
function healthLines({ bad = [], fights = [], hooks = [] }: StatusDocument): string[] {
  return [
    ...bad.map(({ version, outcome, at, errors }) =>
      field(
        'bad',
        `${version} ${outcome} on this host, ${at}: ${errors[0] ?? 'without a message'}`,
      ),
    ),
    ...fights.map(({ resource, property, previous, desired, runs }) =>
      field(
        'fight',
        `${resource} ${property}: from ${previous} to ${desired}, ${counted(runs, 'run')} in a row`,
      ),
    ),
    ...hooks.map(({ stage, name, why }) => field('hook', `${stage}/${name} ${why}`)),
  ];
}

function writtenText({ writtenAt, times, offline }: StatusDocument, now: number): string {
  const { nextExpectedAt } = times;
  const age = shortAge(ageSeconds(Date.parse(writtenAt), now));
  const isStale = Date.parse(nextExpectedAt) < now;
  const stale = isStale ? `; stale: expected by ${nextExpectedAt}` : '';
  return `${writtenAt}, ${age} ago${stale}${mergedText(offline)}`;
}

/** Without the network a host makes more runs than it reports. */
function mergedText({ runs, skipped, failed = 0 }: StatusDocument['offline']): string {
  if (runs + skipped < 2) return '';
  return `; since the report before ${counted(runs, 'run')}, ${failed} failed, ${skipped} skipped`;
}

function field(name: string, text: string): string {
  return `${name.padEnd(10)}  ${text}`;
}
