import type { OfferedRelease, ReleaseCustom } from '../../../bucket/documents/release.ts';
import type { Slots } from '../../metadata/slots.ts';
import { releaseName } from './release-name.ts';
import { ALL, percentOf } from './shares.ts';

export type Rollout = NonNullable<ReleaseCustom['rollout']>;

/** An environment in the middle of a rollout. */
export interface UnderWay {
  readonly current: OfferedRelease;
  readonly next: OfferedRelease;
  readonly rollout: Rollout;
}

/** Undefined when there is no rollout. */
export function underWay({ current, next }: Slots): UnderWay | undefined {
  const rollout = next?.custom.rollout;
  if (current === undefined || next === undefined || rollout === undefined) return undefined;
  return { current, next, rollout };
}

interface Change {
  readonly after: Slots & { readonly current: OfferedRelease };
  readonly lines: readonly string[];
}

/**
 * Offers the release to that share of the hosts. A share of all hosts makes it the current release.
 */
export function withShare(
  environment: string,
  current: OfferedRelease,
  { release, rollout }: { readonly release: OfferedRelease; readonly rollout: Rollout },
): Change {
  const { pause: _, change: __, rollout: ___, ...custom } = release.custom;
  const name = releaseName(release);
  if (rollout.bp === ALL) {
    // Only the command that set hold or stop removes it.
    const { hold, stop, pause } = current.custom;
    const kept = { hold, stop, ...(pause === undefined ? {} : { pause }) };
    return {
      after: { current: { ...release, custom: { ...custom, ...kept } }, next: undefined },
      lines: [`${environment}: ${releaseName(current)} -> ${name} on all hosts`],
    };
  }
  const next = { ...release, custom: { ...custom, hold: false, stop: false, rollout } };
  return { after: { current, next }, lines: [`${environment}: ${name} on ${whom(rollout)}`] };
}

/** Ends the rollout: all hosts get the current release. `statement`: who ends it, when and why. */
export function withoutRollout(
  environment: string,
  { current, next }: UnderWay,
  statement: { readonly by: string; readonly at: string; readonly reason: string },
): Change {
  const { version, commit } = next.custom;
  const halted = { ...statement, version, sha256: next.sha256, commit };
  return {
    after: { current: { ...current, custom: { ...current.custom, halted } }, next: undefined },
    lines: [`${environment}: ${releaseName(next)} ends; all hosts get ${releaseName(current)}`],
  };
}

/** `5 % of the hosts and group canary, then 25 % after 1 h`. */
export function whom({ bp, groups, steps = [], haltBp }: Rollout): string {
  const parts = [
    ...(bp > 0 ? [`${percentOf(bp)} of the hosts`] : []),
    ...(groups.length > 0 ? [`the hosts of ${groups.join(', ')}`] : []),
  ];
  const later = steps.map(
    (step) => `, then ${percentOf(step.bp)} after ${timeOf(step.afterSeconds)}`,
  );
  const halt = haltBp === undefined ? '' : `; halts at ${percentOf(haltBp)} failing`;
  return `${parts.join(' and ') || 'no host'}${later.join('')}${halt}`;
}

function timeOf(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
