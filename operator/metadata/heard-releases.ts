import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { VerifiedMetadata } from './verified.ts';

/*
 * A role can list any path, and its signature does not show whether the path belongs to it. Hosts
 * look for an environment in one role only, and mm must accept no more than they do.
 */

/** Whether hosts look for a release under the path, and in this role. */
export function isHeard({ targets }: VerifiedMetadata, role: string, path: string): boolean {
  const [found] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
  return /^\w+\/(current|next)$/.test(path) && found?.role === role;
}

/** The environments that the role lists releases of, and for which it answers. */
export function environmentsIn(verified: VerifiedMetadata, role: string): ReadonlySet<string> {
  const paths = Object.keys(verified.roles.get(role)?.signed.targets ?? {});
  const heard = paths.filter((path) => isHeard(verified, role, path));
  return new Set(heard.map((path) => path.split('/')[0] ?? ''));
}

/**
 * Throws METADATA_INVALID when the role lists a path that targets does not delegate to it. No mm
 * signs that: somebody else did, or it is the file of another role.
 */
export function requireOwnPaths({ roles, targets }: VerifiedMetadata, role: string): void {
  for (const path of Object.keys(roles.get(role)?.signed.targets ?? {})) {
    const [found] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
    if (found?.role === role) continue;
    throw new CodedError(
      `role ${printable(role, 100)} lists ${printable(path, 300)}, which does not belong to it; nothing was changed`,
      {
        code: 'METADATA_INVALID',
        next: 'mm key list shows who signs for it; mm key revoke NAME takes the key of who did this, and signs the role without it',
        details: { role, path },
      },
    );
  }
}
