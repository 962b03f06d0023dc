import type { OfferedRelease } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { daysToExpiry } from '../../trust/expiry.ts';
import { readTrusted, refresh as refreshMetadata } from '../../trust/reader.ts';
import { type Selection, select } from '../../trust/selection.ts';
import { bucketSource, type MetadataSource } from '../../trust/source.ts';
import type { Trusted } from '../../trust/trusted.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import type { Offer } from '../core/decide.ts';
import { activeOf, type Draft } from '../core/draft.ts';
import type { Identity } from '../core/status/status.ts';
import { trustAfterError, trustAfterRefresh } from '../core/status/trust-status.ts';
import type { Prefetched } from '../loop.ts';

/**
 * Asks the bucket for newer metadata and enters in the draft what it offers to this host. A failure of any kind is an
 * offer of kind `unknown`: the active release stays. Errors without a code are bugs and are thrown.
 */
export async function refresh(
  agent: Agent,
  request: CycleRequest,
  draft: Draft,
  stop: AbortSignal,
): Promise<void> {
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
      etag: rememberedEtag(draft, identity.environment),
      ...(agent.packagedSeeds === undefined ? {} : { packagedSeeds: agent.packagedSeeds }),
      signal: stop,
    });
    draft.checked = true;
    enterOffer(draft, trusted, identity);
    draft.trust = trustAfterRefresh(draft.offer, trusted, { now: ports.clock.now(), serverDate });
    enterState(draft, trusted);
    draft.pendingEtag = { environment: identity.environment, value: etag };
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    ports.log.warn('refresh.failed', { code: error.code, error: error.message, next: error.next });
    draft.error = error;
    draft.offer = { kind: 'unknown', code: error.code, why: error.message };
    draft.trust = trustAfterError(draft.state.status?.trust, error);
    const known = await readTrusted(options);
    if (known !== undefined) enterKnown(draft, known, identity, ports.clock.now());
  }
}

/** The daemon may have read timestamp.json already; it is verified here as if it had just come. */
function sourceOf(agent: Agent, prefetched: Prefetched | undefined): MetadataSource {
  const source = bucketSource(agent.ports.bucket, agent.identity.tree);
  let waiting = prefetched;
  return {
    async get(file, options) {
      if (file !== 'timestamp.json' || waiting === undefined)
        return await source.get(file, options);
      const { bytes, etag, serverDate } = waiting;
      waiting = undefined;
      return { kind: 'object', bytes, etag, serverDate };
    },
  };
}

/** An ETag stands for what was taken for one environment; another one has yet to take its release. */
function rememberedEtag(draft: Draft, environment: string): string | undefined {
  const { etag } = draft.state;
  return etag?.environment === environment ? etag.value : undefined;
}

function enterOffer(draft: Draft, trusted: Trusted, identity: Identity): void {
  const environment = trusted.environments.get(identity.environment);
  const selection: Selection =
    environment === undefined ? { kind: 'nothing' } : select(environment, identity);
  draft.offer = offerOf(selection, identity);
  draft.release = 'release' in selection ? selection.release : undefined;
  const { release, active } = draft;
  if (release === undefined) return;
  if (release.sha256 !== active?.sha256) draft.offered = offeredOf(release, draft.offer);
  // The signed labels, for a cycle may have died between activation and status.
  else draft.active = activeOf(release.sha256, release.custom, active.activatedAt);
}

function offeredOf(release: OfferedRelease, offer: Offer): NonNullable<Draft['offered']> {
  const why = 'why' in offer ? offer.why : 'not taken yet';
  return { version: release.custom.version, sha256: release.sha256, why: why.slice(0, 500) };
}

/** Verified metadata alone lifts or sets a stop. */
function enterState(draft: Draft, trusted: Trusted): void {
  draft.state = {
    ...draft.state,
    stopped: draft.offer.kind === 'stopped',
    earliestExpiry: earliest(trusted),
  };
}

/** A stop that was signed binds as long as nothing newer is known, also when the state was lost. */
function enterKnown(draft: Draft, known: Trusted, identity: Identity, now: number): void {
  const environment = known.environments.get(identity.environment);
  const stopped = environment !== undefined && select(environment, identity).kind === 'stop';
  draft.state = {
    ...draft.state,
    stopped: draft.state.stopped || stopped,
    earliestExpiry: earliest(known),
  };
  if (draft.trust === undefined) return;
  draft.trust = {
    ...draft.trust,
    versions: { ...known.versions },
    daysToExpiry: daysToExpiry(known.expires, now),
  };
}

function earliest(trusted: Trusted): string | null {
  return Object.values(trusted.expires).sort()[0] ?? null;
}

function offerOf(selection: Selection, identity: Identity): Offer {
  switch (selection.kind) {
    case 'take': {
      const { sha256, custom } = selection.release;
      return { kind: 'offered', sha256, version: custom.version };
    }
    case 'hold':
      return { kind: 'held', state: selection.why, why: holdReason(selection, identity) };
    case 'stop': {
      const { version, reason } = selection.release.custom;
      return {
        kind: 'stopped',
        why: `the publisher stopped this environment at ${version}: ${reason}`,
      };
    }
    case 'nothing':
      return { kind: 'nothing' };
  }
}

function holdReason(
  { why, release }: Extract<Selection, { kind: 'hold' }>,
  { agentVersion }: Identity,
): string {
  switch (why) {
    case 'held':
      return `the publisher holds this environment: ${release?.custom.reason ?? 'no reason given'}`;
    case 'agent-too-old':
      return `the release wants mm-agent ${release?.custom.minAgent ?? ''} or newer, this is ${agentVersion}`;
    case 'schema-too-new':
      return `the release metadata has a schema that mm-agent ${agentVersion} does not know`;
  }
}
