import { CodedError } from '../../shared/coded-error.ts';

/**
 * The role that answers for an environment. The prefix makes every environment name usable:
 * `targets` or `root` would be a top-level role, JavaScript would reorder `2024` in an object, and
 * `__proto__` would be lost.
 */
export function environmentRole(environment: string): string {
  return `env-${environment}`;
}

/**
 * What the hosts of an environment run; `next` is what some of them already run during a rollout.
 */
export type ReleaseSlot = 'current' | 'next';

/** The target path of a release pointer, `<environment>/current`. */
export function releaseTarget(environment: string, slot: ReleaseSlot): string {
  return `${environment}/${slot}`;
}

/** The path pattern that a role is delegated for an environment. */
export function environmentPaths(environment: string): string {
  return `${environment}/*`;
}

/** What file systems allow. */
const MAX_FILE_NAME_BYTES = 255;

/**
 * The file that a role is kept in. The holder of a delegating key chooses role names: `../../x`
 * must not leave the directory, and `2.root` must not be taken for a root. Throws METADATA_INVALID
 * for a name that is too long for a file.
 */
export function roleFile(role: string): string {
  const file = `${encodeURIComponent(role).replaceAll('.', '%2E')}.json`;
  if (file.length <= MAX_FILE_NAME_BYTES) return file;
  throw new CodedError(
    `a delegated role has a name of ${role.length} characters, "${role.slice(0, 20)}..."`,
    { code: 'METADATA_INVALID', next: 'look at the delegations with mm doctor' },
  );
}
