import { createHash } from 'node:crypto';
import gte from 'semver/functions/gte.js';
import valid from 'semver/functions/valid.js';
import type { OfferedRelease } from '../bucket/documents/release.ts';
import type { ReleaseSlot } from './metadata/role-names.ts';
import type { EnvironmentOffer } from './metadata/trusted.ts';

/** What a host knows about itself when it selects a release. */
export interface SelectingHost {
  readonly certname: string;
  readonly groups: readonly string[];
  /** The agent's own version, semver. */
  readonly agentVersion: string;
}

export type Selection =
  /** Run this release: install it unless it is active already. */
  | { readonly kind: 'run'; readonly slot: ReleaseSlot; readonly release: OfferedRelease }
  /**
   * Install nothing new, keep applying the active release. `release`: the one that is held back, if
   * it could be read.
   */
  | {
      readonly kind: 'hold';
      readonly why: 'held' | 'agent-too-old' | 'schema-too-new';
      readonly release: OfferedRelease | undefined;
      /**
       * Of `held`: the release whose metadata sets the hold. A hold on `current` applies to `next`
       * as well.
       */
      readonly holding?: OfferedRelease;
    }
  /** Apply nothing until signed metadata says otherwise. */
  | { readonly kind: 'stop'; readonly release: OfferedRelease }
  /** Nothing was ever published for the environment. */
  | { readonly kind: 'nothing' };

/**
 * Returns which release of its environment a host runs. `hold`, `stop` and `minAgent` of `current`
 * also apply to hosts on `next`: an operator who stops an environment means all of its hosts.
 */
export function select(offer: EnvironmentOffer, host: SelectingHost): Selection {
  const { current } = offer;
  const chosen = choose(offer, host);
  const binding = [current, chosen?.release].filter((release) => release !== undefined);
  const stopping = binding.find((release) => release.custom.stop);
  if (stopping !== undefined) return { kind: 'stop', release: stopping };
  if (offer.schemaTooNew) return { kind: 'hold', why: 'schema-too-new', release: chosen?.release };
  if (chosen === undefined) return { kind: 'nothing' };
  const holding = binding.find((release) => release.custom.hold);
  if (holding !== undefined) return { kind: 'hold', why: 'held', release: chosen.release, holding };
  if (binding.some((release) => !isNewEnough(host.agentVersion, release.custom.minAgent))) {
    return { kind: 'hold', why: 'agent-too-old', release: chosen.release };
  }
  return { kind: 'run', ...chosen };
}

/** Without `current` there is no release: `next` alone is not a rollout. */
function choose(
  { current, next }: EnvironmentOffer,
  host: SelectingHost,
): { slot: ReleaseSlot; release: OfferedRelease } | undefined {
  if (current === undefined) return undefined;
  return next !== undefined && isInRollout(next, host)
    ? { slot: 'next', release: next }
    : { slot: 'current', release: current };
}

/** Whether a host runs `next`. `mm` also counts hosts with this function. */
export function isInRollout(
  next: OfferedRelease,
  host: Pick<SelectingHost, 'certname' | 'groups'>,
): boolean {
  const { rollout } = next.custom;
  if (rollout === undefined) return false;
  return (
    rollout.groups.some((group) => host.groups.includes(group)) ||
    rolloutShare(rollout.salt, host.certname) < rollout.bp
  );
}

/**
 * Returns the position of a host in a rollout, in basis points, 0 to 9999. With the same salt,
 * hosts that are in the rollout stay in it when the share grows. Another salt gives all hosts other
 * positions.
 */
export function rolloutShare(salt: string, certname: string): number {
  return createHash('sha256').update(`${salt}\0${certname}`).digest().readUInt32BE(0) % 10_000;
}

/** A minAgent that is not a version has a newer format, which this agent is too old for. */
function isNewEnough(agentVersion: string, minAgent: string | null): boolean {
  if (minAgent === null) return true;
  return valid(minAgent) !== null && valid(agentVersion) !== null && gte(agentVersion, minAgent);
}
