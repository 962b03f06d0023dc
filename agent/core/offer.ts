import type { Selection } from '../../trust/selection.ts';

/** What the verified metadata says to this host. */
export type Offer =
  | { readonly kind: 'offered'; readonly sha256: string; readonly version: string }
  /** `state` is the word for the status: `held`, `agent-too-old`, `schema-too-new`. */
  | { readonly kind: 'held'; readonly state: string; readonly why: string }
  | { readonly kind: 'stopped'; readonly why: string }
  /** Verified, but nothing is published for this environment. */
  | { readonly kind: 'nothing' }
  /** The bucket could not be reached, or what it holds cannot be trusted or installed. */
  | { readonly kind: 'unknown'; readonly code: string; readonly why: string };

/** Puts what the rules selected for this host into an offer with its reason. */
export function offerOfSelection(selection: Selection, agentVersion: string): Offer {
  switch (selection.kind) {
    case 'take': {
      const { sha256, custom } = selection.release;
      return { kind: 'offered', sha256, version: custom.version };
    }
    case 'hold':
      return { kind: 'held', state: selection.why, why: holdReason(selection, agentVersion) };
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
  agentVersion: string,
): string {
  switch (why) {
    case 'held':
      return `the publisher holds this environment: ${release?.custom.reason ?? 'no reason given'}`;
    case 'agent-too-old':
      return `the release needs mm-agent ${release?.custom.minAgent ?? ''} or newer, this is ${agentVersion}`;
    case 'schema-too-new':
      return `the release metadata has a schema that mm-agent ${agentVersion} does not know`;
  }
}
