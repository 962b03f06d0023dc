import { CodedError } from '../../shared/coded-error.ts';

export function invalidProposal(message: string, cause?: unknown): CodedError {
  return new CodedError(message, {
    code: 'PROPOSAL_INVALID',
    cause,
    next: 'have it proposed again, on top of the metadata of today',
  });
}
