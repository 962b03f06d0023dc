/**
 * The role that answers for an environment. The prefix keeps every environment name usable: `targets` or `root` would be
 * a top-level role, `2024` would change places in a JavaScript object, `__proto__` would be lost in one.
 */
export function environmentRole(environment: string): string {
  return `env-${environment}`;
}

/** What an environment's hosts run, and during a rollout what some of them run already. */
export type ReleaseSlot = 'current' | 'next';

/** The target path of a release pointer, `<environment>/current`. */
export function releaseTarget(environment: string, slot: ReleaseSlot): string {
  return `${environment}/${slot}`;
}

/** The path pattern that a role is delegated for an environment. */
export function environmentPaths(environment: string): string {
  return `${environment}/*`;
}
