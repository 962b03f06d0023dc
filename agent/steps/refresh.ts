import { CodedError } from '../../shared/coded-error.ts';
import { delegatedEnvironments } from '../../trust/metadata/environments.ts';
import { bucketSource, type MetadataSource } from '../../trust/metadata/source.ts';
import type { Trusted } from '../../trust/metadata/trusted.ts';
import { readTrusted, refresh as refreshMetadata } from '../../trust/reader.ts';
import { type Selection, select } from '../../trust/selection.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import { activeReleaseOf, type Findings, type Found } from '../core/findings.ts';
import { type Offer, offerOfSelection, unknownEnvironment } from '../core/offer/offer.ts';
import { bindingSelection, pinnedOffer } from '../core/offer/pinned-offer.ts';
import type { Prefetched } from '../core/poll-result.ts';
import type { HostState } from '../core/state.ts';
import type { Identity } from '../core/status/status.ts';
import {
  trustAfterError,
  trustAfterRefresh,
  withClock,
  withKnown,
} from '../core/status/trust-status.ts';
import { withReserve } from '../disk/reserve.ts';
import { releasePaths } from '../paths.ts';
import { isUnpacked } from './unpack/unpack.ts';

/**
 * Asks the bucket for newer metadata, verifies it, and finds out what it offers to this host. Any
 * failure is a result of kind `failed`, and the active release stays. Errors without a code are
 * bugs and are thrown.
 */
export async function refresh(
  agent: Agent,
  request: CycleRequest,
  { state, active }: Findings,
  stop: AbortSignal,
): Promise<Found> {
  if (request.keepsRelease) return {};
  const { identity, config, pin, ports } = agent;
  // A stop of the configured environment must count during a pin, too.
  const own = pin === undefined ? [] : [config.environment];
  const options = {
    directory: agent.paths.trust,
    packagedRoot: agent.packagedRoot,
    environments: [...new Set([identity.environment, ...own])],
    clock: ports.clock,
  };
  const dates: Dates = { latest: undefined };
  try {
    const ask = async () =>
      await refreshMetadata({
        ...options,
        source: sourceOf(agent, request.prefetched, dates),
        etag: rememberedEtag(state, identity.environment),
        ...(agent.packagedSeeds === undefined ? {} : { packagedSeeds: agent.packagedSeeds }),
        signal: stop,
      });
    const { trusted, etag, serverDate } = await withReserve(agent.paths, 'files', ask);
    const now = ports.clock.now();
    return verified(trusted, agent, { state, active, etag, now, serverDate });
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    ports.log.warn('refresh.failed', { code: error.code, error: error.message, next: error.next });
    const known = await readTrusted(options);
    const clock = { now: ports.clock.now(), serverDate: dates.latest };
    return failed(error, known, { agent, state, clock });
  }
}

/** The clock of the bucket in its last answer, in ms since 1970. */
interface Dates {
  latest: number | undefined;
}

/** The daemon may have read timestamp.json already. It is verified like a downloaded one. */
function sourceOf(agent: Agent, prefetched: Prefetched | undefined, dates: Dates): MetadataSource {
  const source = bucketSource(agent.ports.bucket, agent.identity.tree);
  let unused = prefetched;
  return {
    async get(file, options) {
      if (file !== 'timestamp.json' || unused === undefined) {
        const answer = await source.get(file, options);
        dates.latest = answer.serverDate;
        return answer;
      }
      const { bytes, etag, serverDate } = unused;
      unused = undefined;
      dates.latest = serverDate;
      return { kind: 'object', bytes, etag, serverDate };
    },
  };
}

/**
 * Returns the ETag only for the environment whose release was installed with it: the release of
 * another environment may be missing.
 */
function rememberedEtag({ etag }: HostState, environment: string): string | undefined {
  return etag?.environment === environment ? etag.value : undefined;
}

function verified(
  trusted: Trusted,
  agent: Agent,
  {
    state,
    active,
    etag,
    ...clock
  }: Pick<Findings, 'state' | 'active'> & {
    readonly etag: string | undefined;
    readonly now: number;
    readonly serverDate: number | undefined;
  },
): Found {
  const { identity, config, paths } = agent;
  const selection = selectFor(agent, trusted, state.stopped);
  // With --environment, a person requests an environment that the pinned release does not belong
  // to.
  const pin = identity.environment === config.environment ? agent.pin : undefined;
  const kept = pin?.release ?? undefined;
  const offer = pinnedOffer(offerOf(selection, identity, trusted), pin, {
    active: active?.sha256,
    isInstalled: kept !== undefined && isUnpacked(releasePaths(paths, kept.sha256).directory),
  });
  const release = 'release' in selection ? selection.release : undefined;
  return {
    refresh: {
      kind: 'verified',
      offer,
      release,
      offeredBy: offeringFile(trusted, identity.environment),
      trust: trustAfterRefresh(offer, trusted, clock),
      etag: etag === undefined ? null : { environment: identity.environment, value: etag },
    },
    // The signed labels: an earlier cycle may have been killed between activation and status.
    ...(release !== undefined && release.sha256 === active?.sha256
      ? { active: activeReleaseOf(release.sha256, release.custom, active.activatedAt) }
      : {}),
    // Only a verified release sets or lifts a stop. An empty file must not: a file without a role
    // name can be the empty first file of another environment, which anyone with the online key can
    // put in the place of this one.
    state: {
      stopped: offer.kind === 'stopped' || (offer.kind === 'nothing' && state.stopped),
      earliestExpiry: earliestExpiry(trusted),
    },
  };
}

function offeringFile(
  { environments, versions }: Trusted,
  environment: string,
): string | undefined {
  const role = environments.get(environment)?.role;
  return role === undefined ? undefined : `${versions[role]}.${role}.json`;
}

/** `known`: the metadata that was trusted before, if it is still usable. */
function failed(
  error: CodedError,
  known: Trusted | undefined,
  {
    agent,
    state,
    clock,
  }: Pick<Findings, 'state'> & {
    readonly agent: Agent;
    readonly clock: { readonly now: number; readonly serverDate: number | undefined };
  },
): Found {
  const trust = withClock(trustAfterError(state.status?.trust, error), clock);
  if (known === undefined) return { refresh: { kind: 'failed', error, trust } };
  // A signed stop counts as long as nothing newer is known, even when the state was lost.
  const stopped = state.stopped || selectFor(agent, known, state.stopped).kind === 'stop';
  return {
    refresh: { kind: 'failed', error, trust: withKnown(trust, known, clock.now) },
    state: { stopped, earliestExpiry: earliestExpiry(known) },
  };
}

function offerOf(selection: Selection, identity: Identity, trusted: Trusted): Offer {
  const { environment, tree, agentVersion } = identity;
  const offer = offerOfSelection(selection, agentVersion);
  const isKnown = trusted.environments.get(environment)?.role !== undefined;
  if (offer.kind !== 'nothing' || isKnown) return offer;
  const others = delegatedEnvironments(trusted.metadata.targets);
  return { kind: 'nothing', why: unknownEnvironment(environment, { tree, others }) };
}

function selectFor(
  { identity, config, pin }: Agent,
  trusted: Trusted,
  wasStopped: boolean,
): Selection {
  const selectIn = (name: string): Selection => {
    const environment = trusted.environments.get(name);
    return environment === undefined ? { kind: 'nothing' } : select(environment, identity);
  };
  const followed = selectIn(identity.environment);
  if (pin === undefined) return followed;
  return bindingSelection(selectIn(config.environment), followed, wasStopped);
}

/**
 * Bounds the expiry to years that the schema of the state accepts: a thief of the online key can
 * sign an expiry in any form that TUF reads, or in the year 275760, and the state could not be read
 * again.
 */
function earliestExpiry({ expires }: Trusted): string {
  const earliest = Math.min(...Object.values(expires).map((instant) => Date.parse(instant)));
  return new Date(Math.min(Math.max(earliest, 0), LAST_MS)).toISOString();
}

/** The last second that has a year of four digits. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);
