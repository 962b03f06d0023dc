import type { RunSummary, StatusDocument } from '../../bucket/documents/status.ts';
import { printable } from '../../shared/clean-text.ts';
import { counted } from '../../shared/counted.ts';
import { type InstanceName, instanceOf } from './instances.ts';
import { reportLimit } from './last-report.ts';

/** What lists and counts need of a status. All texts are clean lines. */
export interface HostSummary {
  readonly environment: string;
  readonly groups: readonly string[];
  /** The version of the active release. */
  readonly version: string | null;
  /** `run.status`; null before the first run. */
  readonly run: string | null;
  /** Why the run failed. Null when it did not. */
  readonly failure: string | null;
  readonly trust: string;
  readonly hostId: string | null;
  /** Why several machines seem to write this status. */
  readonly shared: string | null;
  /** When a failed run is tried again. */
  readonly retry: string | null;
  /** `apply_window` was closed when the status was written. */
  readonly window: NonNullable<StatusDocument['window']> | null;
  /** Why a run waits for better conditions. */
  readonly deferred: string | null;
  /** What a person at the host made it follow for a time. */
  readonly pinned: string | null;
  readonly isDisabled: boolean;
  /** Null outside of EC2. */
  readonly instance: InstanceName | null;
  /** How old the last report may be, in s. */
  readonly limitSeconds: number;
}

export function summaryOf(status: StatusDocument): HostSummary {
  const { environment, groups, release, run, trust, hostId, otherWriter, disabled } = status;
  const { retry, window, deferred, pin } = status;
  return {
    environment,
    groups: groups.map((group) => printable(group, 100)),
    version: release === null ? null : printable(release.version, 64),
    run: run?.status ?? null,
    failure: hasFailed(run) ? failureOf(run) : null,
    trust: printable(trust.state, 100),
    hostId: hostId ?? null,
    shared: otherWriter === undefined ? null : sharedText(otherWriter),
    retry: retry === undefined ? null : retryText(retry),
    window:
      window === undefined ? null : { opensAt: window.opensAt, why: printable(window.why, 500) },
    deferred: deferred === undefined ? null : printable(deferred.why, 500),
    pinned: pin === undefined ? null : printable(pinnedText(pin), 500),
    isDisabled: disabled !== null,
    instance: instanceOf(status),
    limitSeconds: reportLimit(status),
  };
}

/** The sentence about another machine that writes the status of this host. */
export function sharedText({ times, lastAt }: NonNullable<StatusDocument['otherWriter']>): string {
  return `two machines: another one replaced its status ${counted(times, 'time')}, last ${lastAt}`;
}

export function retryText(retry: NonNullable<StatusDocument['retry']>): string {
  if (retry.at === null)
    return retry.of === 1 ? 'its only try has failed' : `all ${retry.of} tries have failed`;
  return `try ${retry.try} of ${retry.of} at ${retry.at}`;
}

/** What a person at the host made it follow for a time. */
export function pinnedText(pin: NonNullable<StatusDocument['pin']>): string {
  const { environment, release, until, reason, by } = pin;
  const what = environment === null ? `stays on ${release}` : `follows ${environment}`;
  return [`${what} until ${until}`, reason, by && `by ${by}`].filter(Boolean).join(', ');
}

/** Why Puppet changes nothing; null when the window has opened since the status was written. */
export function windowText(window: HostSummary['window'], now: number): string | null {
  const hasOpened = window?.opensAt != null && Date.parse(window.opensAt) <= now;
  return window === null || hasOpened ? null : window.why;
}

const FAILED: ReadonlySet<string> = new Set(['failed', 'not-compiled', 'killed']);

/** Whether the run failed, had no catalog, or was killed. */
export function hasFailed(run: RunSummary | null): run is RunSummary {
  return run !== null && FAILED.has(run.status);
}

/** Why a run failed, as one clean line. */
export function failureOf({ status, error, failedResources }: RunSummary): string {
  const [first] = failedResources;
  const why = first === undefined ? (error ?? '') : `${first.resource}: ${first.message}`;
  return printable(why === '' ? status : `${status}: ${why}`, 200);
}
