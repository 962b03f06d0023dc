import type { Metadata, Targets } from '@tufjs/models';
import { jsonObject } from '../../shared/json.ts';
import type { RoleContent } from './signed-file.ts';
import { contentOf } from './verified.ts';

/** The role to add, and the role whose keys and threshold it gets. */
export interface NewRole {
  readonly name: string;
  readonly paths: readonly string[];
  readonly like: string;
}

/** The two documents of a new delegated role: `targets`, and the first, empty file of the role. */
export function withNewRole(
  targets: Metadata<Targets>,
  { name, paths, like }: NewRole,
): ReadonlyMap<string, RoleContent> {
  const content = contentOf(targets);
  const delegations = jsonObject(content['delegations']);
  const roles = (delegations['roles'] as readonly object[]).map(jsonObject);
  const added = { ...roles.find((role) => role['name'] === like), name, paths };
  return new Map<string, RoleContent>([
    ['targets', { ...content, delegations: { ...delegations, roles: [...roles, added] } }],
    [name, { _type: 'targets', targets: {} }],
  ]);
}
