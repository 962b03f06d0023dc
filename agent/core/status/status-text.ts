import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';

/** The status of a host, with fields that only the host itself knows. */
export interface LocalStatus extends StatusDocument {
  readonly lastPollAt: string | null;
  readonly uploadedAt: string | null;
  readonly cycleUnderWay: boolean;
  /** The host believes no clock that shows less. Null before the first answer of the bucket. */
  readonly clockFloorAt?: string | null;
}

/** The text of `mm-agent status`: one line for each question that a person at the host has. */
export function statusLines(status: LocalStatus, now: number): string[] {
  const { release, offered, trust, times, disabled } = status;
  // Indented: a line of Puppet's words must not look like a row, such as "trust      ok".
  const row = (name: string, text: string): string =>
    `${name.padEnd(10)} ${text.replaceAll('\n', `\n${' '.repeat(11)}`)}`;
  const ago = (at: string | null): string => (at === null ? 'never' : agoText(at, now));
  const lines = [
    row('host', `${status.certname}, environment ${status.environment} of ${status.tree}`),
    row(
      'release',
      release === null
        ? 'none'
        : `${release.version} (${release.sha256.slice(0, 12)}), active since ${ago(release.activatedAt)}`,
    ),
  ];
  if (offered !== null) lines.push(row('offered', `${offered.version}: ${offered.why}`));
  if (disabled !== null) {
    const until = disabled.until === null ? '' : ` until ${disabled.until}`;
    // `readDisabled` names Puppet's own lock file so.
    const undo = disabled.by === 'puppet' ? 'puppet agent --enable' : 'mm-agent enable';
    lines.push(row('disabled', `${disabled.reason}${until}; undo with: ${undo}`));
  }
  if (status.run !== null)
    lines.push(...runLines(status.run, ago).map((text, i) => row(i === 0 ? 'run' : '', text)));
  lines.push(
    row(
      'trust',
      trust.error === null
        ? trust.state
        : `${trust.state}: ${trust.error.code} ${trust.error.message}`,
    ),
  );
  lines.push(
    row(
      'checked',
      `${ago(times.lastCheckAt)}${status.lastPollAt === null ? '' : `, last poll ${ago(status.lastPollAt)}`}`,
    ),
  );
  if (status.clockFloorAt) {
    const isAhead = Date.parse(status.clockFloorAt) > now;
    const undo = isAhead ? ', ahead of the clock; undo with: mm-agent reset-clock' : '';
    lines.push(row('clock', `never before ${status.clockFloorAt}${undo}`));
  }
  lines.push(row('reported', ago(status.uploadedAt)));
  if (status.cycleUnderWay) lines.push(row('now', 'a cycle is under way'));
  return lines;
}

function runLines(run: RunSummary, ago: (at: string) => string): string[] {
  const { resources } = run;
  const counts =
    resources === null
      ? ''
      : `, ${resources.changed} changed, ${resources.failed} failed of ${resources.total} resources`;
  return [
    `${run.status}${run.noop ? ' (noop)' : ''} ${ago(run.startedAt)}, ${run.durationSeconds.toFixed(1)} s${counts}; ${run.reason}`,
    ...(run.error === null ? [] : [run.error]),
    ...run.failedResources.map(
      ({ resource, message, file, line }) =>
        `${resource}: ${message}${file === null ? '' : ` (${file}:${line ?? '?'})`}`,
    ),
  ];
}

function agoText(at: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}
