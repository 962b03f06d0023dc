import { CodedError } from '../../shared/coded-error.ts';

/** PROPOSAL_INVALID. Without `next` a signer needs a new proposal. */
export function invalidProposal(message: string, cause?: unknown, next?: string): CodedError {
  return new CodedError(message, {
    code: 'PROPOSAL_INVALID',
    cause,
    next: next ?? 'ask for a new proposal, on top of the current metadata',
  });
}
