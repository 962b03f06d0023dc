import { withAffected } from '../commit/affected.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Proposal } from './file.ts';
import { invalidProposal } from './invalid-proposal.ts';
import { changeOf } from './proposal.ts';

/**
 * Throws PROPOSAL_INVALID when the proposal takes away signatures of a role that it does not sign
 * again. The person who commits would have to add that role, and the other signers would never see
 * it.
 */
export function requireComplete(verified: VerifiedMetadata, proposal: Proposal): void {
  const proposed = proposal.documents.map(({ role }) => role);
  const needed = [...withAffected(verified, changeOf(proposal)).roles.keys()];
  const missing = needed.filter((role) => !proposed.includes(role));
  if (missing.length === 0) return;
  throw invalidProposal(
    `${missing.join(', ')} is missing: hosts would refuse its signatures after this change`,
  );
}
