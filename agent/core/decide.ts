import type { Offer } from './offer.ts';

/** What a cycle does with what it found. Pure: every input is in the {@link View}, every outcome carries its reason. */

/** Why this cycle takes place. */
export type Trigger =
  /** `mm-agent --once`, or a signal: poll and run. */
  | 'asked'
  /** The poll schedule: take what is new, run only that. */
  | 'poll'
  /** The apply schedule: poll, and run whether or not something is new. */
  | 'apply';

export interface View {
  readonly trigger: Trigger;
  readonly disabled: { readonly reason: string } | undefined;
  readonly offer: Offer;
  /** `stop` was signed once and no later metadata lifted it. */
  readonly stopped: boolean;
  readonly onExpired: 'apply' | 'noop' | 'stop';
  /** sha256 of the active release. */
  readonly active: string | undefined;
  /** sha256 of the release that the last completed run applied. */
  readonly lastRun: string | undefined;
  readonly noop: boolean;
}

export interface Decision {
  /** Fetch, unpack and activate what is offered. */
  readonly install: boolean;
  readonly run: 'run' | 'noop' | 'no';
  /** In words, for the log and the status. */
  readonly why: string;
  /** Why no run takes place though one was due; undefined when none was due. */
  readonly skipped: 'disabled' | 'stopped' | 'expired' | 'no-release' | undefined;
}

export function decide(view: View): Decision {
  const { offer, active } = view;
  if (view.disabled !== undefined) return skip('disabled', `disabled: ${view.disabled.reason}`);
  if (offer.kind === 'stopped') return skip('stopped', offer.why);
  // Sticky: a lost bucket or a later expiry never lifts a stop (docs/trust.md, I9).
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
  if (view.trigger === 'asked') return 'asked for';
  if (view.trigger === 'apply') return 'the apply schedule is due';
  // Killed between activation and the end of the run: the next poll completes it.
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
      return `no release is here yet: ${offer.why}`;
    case 'offered':
    case 'stopped':
      return 'no release is here yet';
  }
}

function runOrNoop(view: View): 'run' | 'noop' {
  return view.noop ? 'noop' : 'run';
}

function skip(skipped: NonNullable<Decision['skipped']>, why: string): Decision {
  return { install: false, run: 'no', why, skipped };
}
