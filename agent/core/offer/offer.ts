import type { ReleaseCustom } from '../../../bucket/documents/release.ts';
import type { Selection } from '../../../trust/selection.ts';

/** What the verified metadata offers to this host. */
export type Offer =
  | { readonly kind: 'offered'; readonly sha256: string; readonly version: string }
  /**
   * `state` is the value in the status document: `held`, `agent-too-old`, `schema-too-new` or
   * `pinned`.
   */
  | { readonly kind: 'held'; readonly state: string; readonly why: string }
  | { readonly kind: 'stopped'; readonly why: string }
  /**
   * The metadata is verified, and nothing is published for this environment. `why` is set when the
   * tree does not have the environment at all.
   */
  | { readonly kind: 'nothing'; readonly why?: string }
  /** The bucket could not be read, or its content cannot be trusted or installed. */
  | { readonly kind: 'unknown'; readonly code: string; readonly why: string };

/** Turns the selection of `trust/selection.ts` into an offer with its reason. */
export function offerOfSelection(selection: Selection, agentVersion: string): Offer {
  switch (selection.kind) {
    case 'run': {
      const { sha256, custom } = selection.release;
      return { kind: 'offered', sha256, version: custom.version };
    }
    case 'hold':
      return { kind: 'held', state: selection.why, why: holdReason(selection, agentVersion) };
    case 'stop': {
      const { custom } = selection.release;
      return {
        kind: 'stopped',
        why: `the publisher stopped this environment at ${custom.version}: ${pauseReason(custom)}`,
      };
    }
    case 'nothing':
      return { kind: 'nothing' };
  }
}

const MOST_NAMED = 10;

/**
 * Why a host of an environment that the tree does not have gets no release. `others` are the
 * environments of the tree, and its classes such as `feature_*`.
 */
export function unknownEnvironment(
  environment: string,
  { tree, others }: { readonly tree: string; readonly others: readonly string[] },
): string {
  const more = others.length - MOST_NAMED;
  const named = [...others.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more`] : [])];
  return `${tree} has no environment ${environment}; it has ${named.join(', ') || 'no environments yet'}`;
}

function holdReason(
  { why, release, holding }: Extract<Selection, { kind: 'hold' }>,
  agentVersion: string,
): string {
  switch (why) {
    case 'held':
      return `the publisher holds this environment: ${pauseReason(holding?.custom)}`;
    case 'agent-too-old':
      return `the release needs mm-agent ${release?.custom.minAgent ?? ''} or newer, this is ${agentVersion}`;
    case 'schema-too-new':
      return `the release metadata has a schema that mm-agent ${agentVersion} does not know`;
  }
}

/** In metadata of an older mm, the reason of a hold replaces the reason of the release. */
function pauseReason(custom: ReleaseCustom | undefined): string {
  const { pause, reason } = custom ?? {};
  if (pause === undefined) return reason ?? '';
  return `${pause.reason} (${pause.by}, ${pause.at})`;
}
