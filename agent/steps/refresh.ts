import { CodedError } from '../../shared/coded-error.ts';
import { bucketSource, type MetadataSource } from '../../trust/metadata/source.ts';
import type { Trusted } from '../../trust/metadata/trusted.ts';
import { readTrusted, refresh as refreshMetadata } from '../../trust/reader.ts';
import { select } from '../../trust/selection.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import { activeReleaseOf, type Findings, type Found } from '../core/findings.ts';
import { offerOfSelection } from '../core/offer.ts';
import type { Prefetched } from '../core/poll-result.ts';
import type { HostState } from '../core/state.ts';
import type { Identity } from '../core/status/status.ts';
import { trustAfterError, trustAfterRefresh, withKnown } from '../core/status/trust-status.ts';

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
  const { identity, ports } = agent;
  const options = {
    directory: agent.paths.trust,
    packagedRoot: agent.packagedRoot,
    environments: [identity.environment],
    clock: ports.clock,
  };
  try {
    const { trusted, etag, serverDate } = await refreshMetadata({
      ...options,
      source: sourceOf(agent, request.prefetched),
      etag: rememberedEtag(state, identity.environment),
      ...(agent.packagedSeeds === undefined ? {} : { packagedSeeds: agent.packagedSeeds }),
      signal: stop,
    });
    const now = ports.clock.now();
    return verified(trusted, identity, { active, etag, now, serverDate });
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    ports.log.warn('refresh.failed', { code: error.code, error: error.message, next: error.next });
    const known = await readTrusted(options);
    return failed(error, known, { identity, state, now: ports.clock.now() });
  }
}

/** The daemon may have read timestamp.json already. It is verified like a downloaded one. */
function sourceOf(agent: Agent, prefetched: Prefetched | undefined): MetadataSource {
  const source = bucketSource(agent.ports.bucket, agent.identity.tree);
  let unused = prefetched;
  return {
    async get(file, options) {
      if (file !== 'timestamp.json' || unused === undefined) return await source.get(file, options);
      const { bytes, etag, serverDate } = unused;
      unused = undefined;
      return { kind: 'object', bytes, etag, serverDate };
    },
  };
}

/**
 * An ETag stands for what was installed for one environment; another one may not be installed yet.
 */
function rememberedEtag({ etag }: HostState, environment: string): string | undefined {
  return etag?.environment === environment ? etag.value : undefined;
}

function verified(
  trusted: Trusted,
  identity: Identity,
  {
    active,
    etag,
    ...clock
  }: Pick<Findings, 'active'> & {
    readonly etag: string | undefined;
    readonly now: number;
    readonly serverDate: number | undefined;
  },
): Found {
  const selection = selectFor(identity, trusted);
  const offer = offerOfSelection(selection, identity.agentVersion);
  const release = 'release' in selection ? selection.release : undefined;
  return {
    refresh: {
      kind: 'verified',
      offer,
      release,
      trust: trustAfterRefresh(offer, trusted, clock),
      etag: etag === undefined ? null : { environment: identity.environment, value: etag },
    },
    // The signed labels: an earlier cycle may have been killed between activation and status.
    ...(release !== undefined && release.sha256 === active?.sha256
      ? { active: activeReleaseOf(release.sha256, release.custom, active.activatedAt) }
      : {}),
    // Only verified metadata sets or lifts a stop.
    state: { stopped: offer.kind === 'stopped', earliestExpiry: earliestExpiry(trusted) },
  };
}

/** `known`: the metadata that was trusted before, if it is still usable. */
function failed(
  error: CodedError,
  known: Trusted | undefined,
  {
    identity,
    state,
    now,
  }: Pick<Findings, 'state'> & { readonly identity: Identity; readonly now: number },
): Found {
  const trust = trustAfterError(state.status?.trust, error);
  if (known === undefined) return { refresh: { kind: 'failed', error, trust } };
  // A signed stop binds as long as nothing newer is known, also when the state was lost.
  const stopped = state.stopped || selectFor(identity, known).kind === 'stop';
  return {
    refresh: { kind: 'failed', error, trust: withKnown(trust, known, now) },
    state: { stopped, earliestExpiry: earliestExpiry(known) },
  };
}

function selectFor(identity: Identity, trusted: Trusted): ReturnType<typeof select> {
  const environment = trusted.environments.get(identity.environment);
  return environment === undefined ? { kind: 'nothing' } : select(environment, identity);
}

function earliestExpiry(trusted: Trusted): string | null {
  return Object.values(trusted.expires).sort()[0] ?? null;
}
