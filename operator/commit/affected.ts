import { verifies } from '../metadata/delegation.ts';
import type { Base, Change } from './base.ts';
import { contentOf } from './base.ts';
import { parseContent, type RoleContent } from './signed-file.ts';

/**
 * Adds every role whose file of today hosts would refuse once the change is there, with the content that it has: so a
 * revocation never leaves behind a signature that counts no more (I19). Wants a base that was read with all environments.
 */
export function withAffected(base: Base, change: Change): Change {
  const root = change.root === undefined ? base.root : parseContent(change.root, 'root');
  const roles = new Map<string, RoleContent>();
  const { targets: current } = base;
  const given = change.roles.get('targets');
  if (given !== undefined) roles.set('targets', given);
  else if (current !== undefined && !verifies(root, 'targets', current)) {
    roles.set('targets', contentOf(current));
  }
  for (const [role, content] of change.roles) roles.set(role, content);
  const content = roles.get('targets');
  const targets = content === undefined ? current : parseContent(content, 'targets');
  for (const [role, document] of base.roles) {
    if (!roles.has(role) && targets !== undefined && !verifies(targets, role, document)) {
      roles.set(role, contentOf(document));
    }
  }
  return { ...change, roles };
}
