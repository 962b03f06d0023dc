import type { Offer } from './offer.ts';

/**
 * Decides what a cycle does. This is a pure function: the {@link View} has every input, and every
 * decision has its reason.
 */

/** Why this cycle was started. */
export type Trigger =
  /** `mm-agent --once`, or a signal: poll and run. */
  | 'asked'
  /** The poll schedule: install a new release and run it; run nothing else. */
  | 'poll'
  /** The apply schedule: poll, then run, also when nothing is new. */
  | 'apply';

export interface View {
  readonly trigger: Trigger;
  readonly disabled: { readonly reason: string } | undefined;
  readonly offer: Offer;
  /** The publisher signed `stop`, and no later metadata lifted it. */
  readonly stopped: boolean;
  readonly onExpired: 'apply' | 'noop' | 'stop';
  /** sha256 of the active release. */
  readonly active: string | undefined;
  /** sha256 of the release that the last completed run applied. */
  readonly lastRun: string | undefined;
  readonly noop: boolean;
}

export interface Decision {
  /** Fetch, unpack and activate the offered release. */
  readonly install: boolean;
  readonly run: 'run' | 'noop' | 'no';
  /** For the log and the status. */
  readonly why: string;
  /** Why there is no run although one was due; undefined when none was due. */
  readonly skipped: 'disabled' | 'stopped' | 'expired' | 'no-release' | undefined;
}

export function decide(view: View): Decision {
  const { offer, active } = view;
  if (view.disabled !== undefined) return skip('disabled', `disabled: ${view.disabled.reason}`);
  if (offer.kind === 'stopped') return skip('stopped', offer.why);
  // An unreachable bucket or a later expiry must never lift a stop (docs/trust.md, I9).
  if (offer.kind === 'unknown' && view.stopped) {
    return skip('stopped', `stopped by the publisher, and nothing newer is known: ${offer.why}`);
  }
  if (offer.kind === 'offered' && offer.sha256 !== active) {
    return {
      install: true,
      run: runOrNoop(view),
      why: `new release ${offer.version}`,
      skipped: undefined,
    };
  }
  if (active === undefined) return skip('no-release', noReleaseReason(offer));
  return runActive(view, active);
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
    run: noop ? 'noop' : runOrNoop(view),
    why: due + keepingWhy(offer),
    skipped: undefined,
  };
}

function whyDue(view: View, active: string): string | undefined {
  if (view.trigger === 'asked') return 'a run was requested';
  if (view.trigger === 'apply') return 'the apply schedule is due';
  // A cycle was killed between activation and the end of the run.
  if (view.lastRun !== active) return 'the active release has not completed a run yet';
  return undefined;
}

function keepingWhy(offer: Offer): string {
  switch (offer.kind) {
    case 'offered':
      return '';
    case 'nothing':
      return '; keeping the active release: none is published for this environment';
    case 'held':
    case 'stopped':
    case 'unknown':
      return `; keeping the active release: ${offer.why}`;
  }
}

function noReleaseReason(offer: Offer): string {
  switch (offer.kind) {
    case 'nothing':
      return 'no release is published for this environment';
    case 'held':
    case 'unknown':
      return `this host has no release yet: ${offer.why}`;
    case 'offered':
    case 'stopped':
      return 'this host has no release yet';
  }
}

function runOrNoop(view: View): 'run' | 'noop' {
  return view.noop ? 'noop' : 'run';
}

function skip(skipped: NonNullable<Decision['skipped']>, why: string): Decision {
  return { install: false, run: 'no', why, skipped };
}
