import type { Offer } from './offer/offer.ts';
import type { WindowState } from './when/apply-window.ts';
import { owedRun, type RunMemory } from './when/owed-run.ts';

/*
 * Decides what a cycle does. This is a pure function: the View has every input, and every decision
 * has its reason.
 */

/** Why this cycle was started. */
export type Trigger =
  /** `mm-agent --once`, or a signal: poll and run. */
  | 'asked'
  /** The poll schedule: install a new release and run it. No run without a new release. */
  | 'poll'
  /** The apply schedule: poll, then run, even without a new release. */
  | 'apply'
  /** The first run of a daemon: the same as `apply`. */
  | 'start';

export interface View extends RunMemory {
  readonly trigger: Trigger;
  readonly disabled: { readonly reason: string } | undefined;
  /** Why the files of the agent cannot be written; undefined when they can. */
  readonly blocked?: string | undefined;
  readonly offer: Offer;
  /** The publisher signed `stop`, and no later metadata lifted it. */
  readonly stopped: boolean;
  readonly onExpired: 'apply' | 'noop' | 'stop';
  /** sha256 of the active release. */
  readonly active: string | undefined;
  /** sha256 of the releases that are bad on this host. */
  readonly bad: readonly string[];
  /** sha256 of the release to go back to when a bad one is offered; undefined when not allowed. */
  readonly rollback: string | undefined;
  readonly noop: boolean;
  /** Also open when the window must be ignored: for noop runs and `--ignore-window`. */
  readonly window: WindowState;
  /** ms since 1970. */
  readonly now: number;
}

export interface Decision {
  /** Fetch, unpack and activate the offered release. */
  readonly install: boolean;
  /** sha256 of the release to activate again, because the offered one is bad here. */
  readonly rollback?: string;
  readonly run: 'run' | 'noop' | 'no';
  /** For the log and the status. */
  readonly why: string;
  /** Why there is no run although one was due; undefined when none was due. */
  readonly skipped:
    | 'disabled'
    | 'blocked'
    | 'stopped'
    | 'expired'
    | 'no-release'
    | 'deferred'
    | undefined;
  /** True when the run is noop only because `apply_window` is closed. */
  readonly isOutsideWindow?: boolean;
}

export function decide(view: View): Decision {
  const { offer, active } = view;
  if (view.disabled !== undefined) return skip('disabled', `disabled: ${view.disabled.reason}`);
  if (view.blocked !== undefined) return skip('blocked', view.blocked);
  if (offer.kind === 'stopped') return skip('stopped', offer.why);
  // Only a newer release lifts a stop (docs/trust.md, I9): not an unreachable bucket, not a later
  // expiry, not metadata without a release.
  if (view.stopped && (offer.kind === 'unknown' || offer.kind === 'nothing')) {
    const why = offer.why ?? 'the environment has no release';
    return skip('stopped', `stopped by the publisher, and nothing newer is known: ${why}`);
  }
  if (offer.kind === 'offered' && view.bad.includes(offer.sha256) && view.rollback !== undefined)
    return withoutBad(view, view.rollback, offer.version);
  if (offer.kind === 'offered' && offer.sha256 !== active) {
    return { install: true, ...runOrNoop(view, `new release ${offer.version}`) };
  }
  if (active === undefined) return skip('no-release', noReleaseReason(offer));
  return runActive(view, active);
}

/** A person's request does not try a bad release again either: only a newer one is different. */
function withoutBad(view: View, rollback: string, version: string): Decision {
  if (rollback === view.active) return runActive(view, rollback);
  const why = `going back to the last good release: ${version} is bad on this host`;
  return { install: false, rollback, ...runOrNoop(view, why) };
}

/** A run or an installation waits for better conditions. */
export function deferred({ why }: Decision, reason: string): Decision {
  return skip('deferred', `${reason}; ${why}`);
}

function runActive(view: View, active: string): Decision {
  const { offer } = view;
  const expired = offer.kind === 'unknown' && offer.code === 'METADATA_EXPIRED';
  if (expired && view.onExpired === 'stop')
    return skip('expired', `on_expired is stop: ${offer.why}`);
  const due = whyDue(view, active);
  if (due === undefined) {
    return { install: false, run: 'no', why: 'nothing new, and no run is due', skipped: undefined };
  }
  const noop = expired && view.onExpired === 'noop';
  return {
    install: false,
    ...runOrNoop({ ...view, noop: noop || view.noop }, due + keepingWhy(offer, active)),
  };
}

function whyDue(view: View, active: string): string | undefined {
  if (view.trigger === 'asked') return 'a run was requested';
  if (view.trigger === 'apply') return 'the apply schedule is due';
  if (view.trigger === 'start') return 'the agent started';
  return owedRun(view, active, { now: view.now, isWindowOpen: view.window.isOpen });
}

function keepingWhy(offer: Offer, active: string): string {
  switch (offer.kind) {
    case 'offered':
      if (offer.sha256 === active) return '';
      return `; keeping the active release: ${offer.version} is bad on this host`;
    case 'nothing':
      return `; keeping the active release: ${offer.why ?? 'none is published for this environment'}`;
    case 'held':
    case 'stopped':
    case 'unknown':
      return `; keeping the active release: ${offer.why}`;
  }
}

function noReleaseReason(offer: Offer): string {
  switch (offer.kind) {
    case 'nothing':
      return offer.why ?? 'no release is published for this environment';
    case 'held':
    case 'unknown':
      return `this host has no release yet: ${offer.why}`;
    case 'offered':
    case 'stopped':
      return 'this host has no release yet';
  }
}

function runOrNoop({ noop, window }: View, why: string): Omit<Decision, 'install'> {
  if (noop || window.isOpen) return { run: noop ? 'noop' : 'run', why, skipped: undefined };
  return {
    run: 'noop',
    why: `${why}; noop only: ${window.why}`,
    skipped: undefined,
    isOutsideWindow: true,
  };
}

function skip(skipped: NonNullable<Decision['skipped']>, why: string): Decision {
  return { install: false, run: 'no', why, skipped };
}
