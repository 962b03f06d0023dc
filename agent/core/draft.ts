import type { OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import type {
  ActiveRelease,
  RunSummary,
  SlowFact,
  StatusDocument,
} from '../../bucket/documents/status.ts';
import type { CodedError } from '../../shared/coded-error.ts';
import type { Offer } from './decide.ts';
import type { CollectedFacts } from './facts/facts.ts';
import type { HostState } from './state.ts';
import type { News } from './status/status.ts';

/** What one cycle has found out so far; the report step makes the status document of it. */
export interface Draft {
  /** As the last cycle left it; fields that this cycle decides are replaced on the way. */
  state: HostState;
  active: ActiveRelease | null;
  disabled: StatusDocument['disabled'];
  offer: Offer;
  /** The release behind the offer, taken or held back. */
  release: OfferedRelease | undefined;
  /** Becomes the state's ETag when what it leads to is done. */
  pendingEtag: HostState['etag'];
  offered: StatusDocument['offered'];
  trust: StatusDocument['trust'] | undefined;
  run: RunSummary | undefined;
  facts: CollectedFacts | undefined;
  /** Of a run; undefined when there was none. */
  slowFacts: readonly SlowFact[] | undefined;
  puppetVersion: string | undefined;
  /** The error that kept this cycle from taking what is new. */
  error: CodedError | undefined;
  checked: boolean;
  downloaded: boolean;
  activated: boolean;
}

export function newDraft(state: HostState, active: ActiveRelease | null): Draft {
  return {
    state,
    active,
    disabled: null,
    offer: { kind: 'nothing' },
    release: undefined,
    pendingEtag: null,
    offered: null,
    trust: undefined,
    run: undefined,
    facts: undefined,
    slowFacts: undefined,
    puppetVersion: undefined,
    error: undefined,
    checked: false,
    downloaded: false,
    activated: false,
  };
}

/** The active release as the status names it. */
export function activeOf(
  sha256: string,
  custom: ReleaseCustom,
  activatedAt: string,
): ActiveRelease {
  const { version, release, commit } = custom;
  return { version, release, sha256, commit, activatedAt };
}

/** What the draft says, as news for the next status document. */
export function newsOf(
  draft: Draft,
  at: { readonly now: number; readonly heartbeatSeconds: number },
  vitals: StatusDocument['vitals'],
): News {
  const { facts } = draft;
  return {
    ...at,
    vitals,
    disabled: draft.disabled,
    release: draft.active,
    offered: draft.offered,
    trust: draft.trust,
    run: draft.run,
    puppetVersion: draft.puppetVersion,
    facterVersion: facts?.facterVersion,
    facts: facts && { promoted: facts.promoted, digest: facts.digest },
    slowFacts: draft.slowFacts,
    checked: draft.checked,
    downloaded: draft.downloaded,
    activated: draft.activated,
  };
}
