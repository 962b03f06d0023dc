import { verifies } from '../metadata/delegation.ts';
import { readableContent } from '../metadata/heard-releases.ts';
import { parseContent, type RoleContent } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import { contentOf } from '../metadata/verified.ts';
import type { Change } from './change.ts';

/**
 * Adds every role whose current file hosts would refuse after the change, with unchanged content: a
 * revocation must leave no role without valid signatures (I19).
 */
export function withAffected(verified: VerifiedMetadata, change: Change): Change {
  const root = change.root === undefined ? verified.root : parseContent(change.root, 'root');
  const roles = new Map<string, RoleContent>();
  const { targets: current } = verified;
  const given = change.roles.get('targets');
  if (given !== undefined) roles.set('targets', given);
  else if (current !== undefined && !verifies(root, 'targets', current)) {
    roles.set('targets', contentOf(current));
  }
  for (const [role, content] of change.roles) roles.set(role, content);
  const content = roles.get('targets');
  const targets = content === undefined ? current : parseContent(content, 'targets');
  for (const [role, document] of verified.roles) {
    const isDelegated = targets?.signed.delegations?.roles?.[role] !== undefined;
    if (!isDelegated) continue; // a role that ends with this change
    if (!roles.has(role) && !verifies(targets, role, document)) {
      roles.set(role, readableContent(verified, role, document));
    }
  }
  return { ...change, roles };
}
