import type { RunSummary } from '../../../bucket/documents/status.ts';
import { SET_CLOCK } from '../../../shared/set-clock.ts';
import { isFailure } from '../run/run-summary.ts';
import type { HostState } from '../state.ts';
import { untilText } from '../when/pin.ts';
import { clockText, type LocalStatus } from './status-text.ts';
import { agoText, inText } from './time-text.ts';

/** What the host knows about its last poll and its next one. */
export interface WhyView extends LocalStatus {
  readonly decision: HostState['decision'];
}

/** The answer of `mm-agent why`. */
export interface Why {
  /** Plain sentences: what the host did last and why, what holds it back, what comes next. */
  readonly sentences: readonly string[];
  /** The command to try next. */
  readonly next: string;
}

interface Finding {
  readonly says: string;
  /** The first finding with a command decides what to try next. */
  readonly next?: string;
}

/** Explains why the last poll did something, or nothing. `now` is in ms since 1970. */
export function explain(view: WhyView, now: number): Why {
  const found = [
    ...lastSteps(view, now),
    ...restrictions(view, now),
    ...lastOutcome(view),
    ...plan(view, now),
  ];
  const next = found.find((finding) => finding.next !== undefined)?.next ?? 'mm-agent run';
  return { sentences: found.map(({ says }) => says), next };
}

function lastSteps(view: WhyView, now: number): Finding[] {
  const { lastPollAt, lastPoll, decision, cycleUnderWay } = view;
  const found: Finding[] = [];
  if (lastPoll !== null) {
    const when =
      lastPollAt === null ? '' : `, the last answer of the bucket ${agoText(lastPollAt, now)}`;
    found.push({ says: `The last poll of the daemon: ${lastPoll}${when}.` });
  }
  if (decision !== null) {
    const when = `The last cycle, ${agoText(decision.at, now)} (${TRIGGERS[decision.trigger]}),`;
    found.push({ says: `${when} ${RUNS[decision.run]}: ${decision.why}.` });
  }
  if (cycleUnderWay) found.push({ says: 'A cycle is under way now.' });
  return found;
}

const TRIGGERS = {
  asked: 'a person or a command asked for it',
  poll: 'a poll started it',
  apply: 'the apply schedule',
  start: 'the agent started',
} as const;

const RUNS = {
  run: 'ran Puppet',
  noop: 'ran Puppet as noop',
  no: 'did not run Puppet',
} as const;

/** What prevents a newer release, or a run. */
function restrictions(view: WhyView, now: number): Finding[] {
  const { disabled, trust, offered, pin, window, deferred, release } = view;
  const found: Finding[] = [];
  if (disabled !== null) {
    const until = disabled.until === null ? 'until it is enabled' : `until ${disabled.until}`;
    const by = disabled.by === null ? '' : ` by ${disabled.by}`;
    found.push({
      says: `Runs are disabled${by} ${until}: ${disabled.reason}.`,
      next: disabled.by === 'puppet' ? 'puppet agent --enable' : 'mm-agent enable',
    });
  }
  const clock = clockText(trust.clockOffsetSeconds);
  if (clock !== undefined) {
    // A wrong clock can be the reason for expired metadata or a refused signature.
    found.push({ says: `The clock of this host is ${clock}.`, next: SET_CLOCK });
  }
  if (trust.error !== null) {
    const keeps = release === null ? '' : ' The host keeps its release.';
    const { code, message } = trust.error;
    found.push({
      says: `The ${code.startsWith('DISK_') ? 'disk' : 'bucket'} could not be used, ${code}: ${message}.${keeps}`,
      next: 'mm-agent --once',
    });
  } else if (trust.why !== undefined) {
    found.push({ says: `The metadata says "${trust.state}": ${trust.why}.` });
  }
  if (release === null) found.push({ says: 'The host has no release yet.' });
  if (offered !== null) {
    found.push({ says: `Release ${offered.version} is offered and not active: ${offered.why}.` });
  }
  if (pin !== undefined) {
    const what =
      pin.environment === null ? `stays on ${pin.release}` : `follows ${pin.environment}`;
    found.push({ says: `The host ${what} ${untilText(pin)}.`, next: 'mm-agent unpin' });
  }
  if (window !== undefined && isAhead(window.opensAt, now)) {
    const next = 'mm-agent --once --ignore-window';
    found.push({ says: `Puppet changes nothing now: ${window.why}.`, next });
  }
  if (deferred !== undefined) {
    found.push({ says: `A run waits, ${deferred.why}.`, next: 'mm-agent --once' });
  }
  return found;
}

function lastOutcome({ run, retry }: WhyView): Finding[] {
  if (run === null || !isFailure(run)) return [];
  const again =
    retry === undefined
      ? 'It is tried again at the next run of the schedule'
      : retry.at === null
        ? `${retry.of === 1 ? 'Its only try has' : `All ${retry.of} tries have`} failed, and only the schedule runs it again`
        : `Try ${retry.try} of ${retry.of} is due at ${retry.at}`;
  return [
    {
      says: `The last run ended as ${run.status}${causeOf(run)}. ${again}.`,
      next: `mm-agent log ${run.id}`,
    },
  ];
}

/** Of several errors the first one. */
function causeOf({ errorCode, error, failedResources: [first] }: RunSummary): string {
  const said = error?.split('\n')[0] ?? (first && `${first.resource}: ${first.message}`);
  const parts = [errorCode, said].filter(Boolean);
  return parts.length === 0 ? '' : `, ${parts.join(': ').replace(/\.$/, '')}`;
}

function plan({ daemon, nextPollAt, nextRunAt, startCommand }: WhyView, now: number): Finding[] {
  if (daemon === null) {
    const says = 'No daemon runs on this host: it polls and runs only by hand.';
    return [{ says, next: `${startCommand}, or mm-agent --once` }];
  }
  if (nextPollAt === null) return [{ says: 'The daemon has not ended its first turn yet.' }];
  const poll = `The next poll is due ${inText(nextPollAt, now)}, at ${nextPollAt}`;
  const run =
    nextRunAt === null
      ? 'without a new release no run is scheduled'
      : `the next run of the schedule is due ${inText(nextRunAt, now)}, at ${nextRunAt}`;
  return [{ says: `${poll}; ${run}.` }];
}

function isAhead(at: string | null, now: number): boolean {
  return at === null || Date.parse(at) > now;
}
