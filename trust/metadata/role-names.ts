import { CodedError } from '../../shared/coded-error.ts';

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

/** What file systems take. */
const MAX_FILE_NAME_BYTES = 255;

/**
 * The file that a role is kept in. Whoever holds a delegating key names roles as he likes: `../../x` must not lead out
 * of the directory, nor `2.root` pass for a root. Throws METADATA_INVALID for a name that is too long for a file.
 */
export function roleFile(role: string): string {
  const file = `${encodeURIComponent(role).replaceAll('.', '%2E')}.json`;
  if (file.length <= MAX_FILE_NAME_BYTES) return file;
  throw new CodedError(
    `a delegated role has a name of ${role.length} characters, "${role.slice(0, 20)}..."`,
    { code: 'METADATA_INVALID', next: 'look at the delegations with mm doctor' },
  );
}
