import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';

/** A status as lines for a terminal. The host wrote every text in it, so each line is cleaned. */
export function statusLines(status: StatusDocument, now: number): string[] {
  const { certname, environment, tree, release, offered, trust, run, times, disabled } = status;
  const versions = `agent ${status.versions.agent}, puppet ${status.versions.puppet ?? 'none'}`;
  const lines = [
    `${certname}  (${tree}, ${environment}; ${versions})`,
    field('release', release === null ? 'none yet' : releaseText(release)),
    field('trust', trust.error === null ? trust.state : `${trust.state}: ${trust.error.message}`),
    ...(run === null ? [field('run', 'none yet')] : runLines(run)),
    field('written', `${status.writtenAt}${lateness(times.nextExpectedAt, now)}`),
  ];
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
    const { total, changed, failed, skipped, corrective } = resources;
    const counts = `${total}, changed ${changed} (corrective ${corrective}), failed ${failed}, skipped ${skipped}`;
    lines.push(field('resources', counts));
  }
  if (run.error !== null) lines.push(field('error', run.error));
  for (const { resource, message, file, line } of run.failedResources) {
    const where = file === null ? '' : ` at ${file}:${line ?? '?'}`;
    lines.push(field('failed', `${resource}${where}: ${message}`));
  }
  if (run.changedResourcesTotal > 0) {
    const more = run.changedResourcesTotal - run.changedResources.length;
    const rest = more > 0 ? ` and ${more} more` : '';
    lines.push(field('changed', `${run.changedResources.join(', ')}${rest}`));
  }
  return lines;
}

function lateness(nextExpectedAt: string, now: number): string {
  return Date.parse(nextExpectedAt) < now ? `; late: expected by ${nextExpectedAt}` : '';
}

function field(name: string, text: string): string {
  return `${name.padEnd(10)}  ${text}`;
}
