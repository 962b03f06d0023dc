import type { Metadata, Targets } from '@tufjs/models';
import { environmentPattern } from './role-names.ts';

/** The environments that verified targets delegate, and classes such as `dev_*`, sorted. */
export function delegatedEnvironments(targets: Metadata<Targets>): string[] {
  const roles = Object.values(targets.signed.delegations?.roles ?? {});
  const covered = roles.flatMap(({ paths }) => paths ?? []).map(environmentPattern);
  return covered.filter((environment) => environment !== undefined).sort();
}
