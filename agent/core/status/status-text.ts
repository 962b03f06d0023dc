import type { StatusDocument } from '../../../bucket/documents/status.ts';
import { counted } from '../../../shared/counted.ts';
import { runLines } from '../run/run-text.ts';
import { untilText } from '../when/pin.ts';
import type { DaemonNote } from './daemon-note.ts';
import { agoText, inText, lengthText } from './time-text.ts';

/** The status of a host, with fields that only the host itself knows. */
export interface LocalStatus extends StatusDocument, DaemonNote {
  /** Null when no daemon runs. `service` is its unit or label; null: it was started by hand. */
  readonly daemon: {
    readonly pid: number;
    readonly since: string;
    readonly service: string | null;
  } | null;
  /** Where the log of the agent is. */
  readonly log: string;
  /** What starts the daemon: `systemctl start mm-agent`. */
  readonly startCommand: string;
  readonly uploadedAt: string | null;
  readonly cycleUnderWay: boolean;
  /**
   * The clock floor: the host ignores clocks that show an earlier time. Null before the first
   * answer of the bucket.
   */
  readonly clockFloorAt?: string | null;
}

/** The text of `mm-agent status`: one line for each question that a person at the host has. */
export function statusLines(status: LocalStatus, now: number): string[] {
  const { release, offered, trust, times, disabled } = status;
  // Indented, so that text of Puppet cannot look like a row, such as "trust      ok".
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
  if (status.otherWriter !== undefined) {
    const { times, lastAt } = status.otherWriter;
    const what = `another machine writes the status of ${status.certname}`;
    lines.push(row('shared', `${what}: seen ${counted(times, 'time')}, last ${ago(lastAt)}`));
  }
  if (offered !== null) lines.push(row('offered', `${offered.version}: ${offered.why}`));
  for (const { version, outcome, at, exitCode, runId, errors } of status.bad ?? []) {
    const how = `${outcome} with exit code ${exitCode ?? '?'} ${ago(at)}, run ${runId}`;
    lines.push(row('bad', [`${version}: ${how}`, ...errors].join('\n')));
  }
  if (disabled !== null) {
    const until = disabled.until === null ? '' : ` until ${disabled.until}`;
    // `by` that `readDisabled` sets for Puppet's own lock file.
    const undo = disabled.by === 'puppet' ? 'puppet agent --enable' : 'mm-agent enable';
    lines.push(row('disabled', `${disabled.reason}${until}; undo with: ${undo}`));
  }
  if (status.run !== null)
    lines.push(
      ...runLines(status.run, ago(status.run.startedAt)).map((text, i) =>
        row(i === 0 ? 'run' : '', text),
      ),
    );
  for (const { stage, name, why, output } of status.hooks ?? [])
    lines.push(row('hook', [`${stage}/${name} ${why}`, output].filter(Boolean).join(': ')));
  for (const { resource, property, previous, desired, runs, since } of status.fights ?? []) {
    const what = `${resource} ${property}: changed from ${previous} to ${desired}`;
    lines.push(row('fight', `${what} in ${counted(runs, 'run')} in a row, first ${ago(since)}`));
  }
  if (status.pin !== undefined) {
    const { environment, release } = status.pin;
    const what = environment === null ? `stays on ${release}` : `follows ${environment}`;
    lines.push(row('pin', `${what} ${untilText(status.pin)}; undo with: mm-agent unpin`));
  }
  if (status.retry !== undefined) lines.push(row('retry', retryText(status.retry)));
  if (status.deferred !== undefined) lines.push(row('deferred', status.deferred.why));
  if (status.window !== undefined && isLater(status.window.opensAt, now))
    lines.push(row('window', status.window.why));
  lines.push(
    row(
      'trust',
      trust.error === null
        ? [trust.state, trust.why].filter(Boolean).join(': ')
        : `${trust.state}: ${trust.error.code} ${trust.error.message}`,
    ),
  );
  lines.push(
    row(
      'checked',
      `${ago(times.lastCheckAt)}${status.lastPollAt === null ? '' : `, last poll ${ago(status.lastPollAt)}`}`,
    ),
  );
  const clock = clockText(trust.clockOffsetSeconds);
  if (clock !== undefined) lines.push(row('clock', `${clock}; set the clock of this machine`));
  if (status.clockFloorAt) {
    const isAhead = Date.parse(status.clockFloorAt) > now;
    const undo = isAhead ? ', ahead of the clock; undo with: mm-agent reset-clock' : '';
    lines.push(row('clock', `never before ${status.clockFloorAt}${undo}`));
  }
  lines.push(
    row('reported', [ago(status.uploadedAt), unreported(status)].filter(Boolean).join('; ')),
  );
  if (status.cycleUnderWay) lines.push(row('now', 'a cycle is under way'));
  lines.push(
    row('daemon', daemonText(status, now)),
    row('log', `${status.log}; of Puppet: mm-agent log`),
  );
  return lines;
}

/** The runs since the last upload. */
function unreported({ offline: { runs, skipped, failed = 0 } }: StatusDocument): string {
  if (runs + skipped === 0) return '';
  return `since then ${counted(runs, 'run')}, ${failed} failed, ${skipped} skipped`;
}

/** S3 refuses requests when the clock is off by 15 minutes. A smaller offset is reported, too. */
const CLOCK_IS_OFF_SECONDS = 60;

/** Returns how far the clock of this host is off; undefined when it is right, or not known. */
export function clockText(offsetSeconds: number | null): string | undefined {
  if (offsetSeconds === null || Math.abs(offsetSeconds) < CLOCK_IS_OFF_SECONDS) return undefined;
  const how = offsetSeconds > 0 ? 'ahead of' : 'behind';
  const length = lengthText(Math.abs(offsetSeconds) * 1000);
  return `${length} ${how} that of the bucket`;
}

function daemonText(status: LocalStatus, now: number): string {
  const { daemon, nextPollAt, nextRunAt, startCommand } = status;
  if (daemon === null) return `not running; start it with: ${startCommand}`;
  const { pid, service, since } = daemon;
  const up = `up since ${agoText(since, now)} (${service ?? 'by hand'}, process ${pid})`;
  const poll = nextPollAt === null ? '' : `, polls ${inText(nextPollAt, now)}`;
  return `${up}${poll}${nextRunAt === null ? '' : `, runs ${inText(nextRunAt, now)}`}`;
}

function retryText(retry: NonNullable<StatusDocument['retry']>): string {
  const tries = `try ${retry.try} of ${retry.of}`;
  return retry.at === null
    ? `${tries} has failed; the next run is that of the schedule`
    : `${tries}, next at ${retry.at}`;
}

function isLater(at: string | null, now: number): boolean {
  return at === null || Date.parse(at) > now;
}
