import { CodedError } from '../../shared/coded-error.ts';

/**
 * The role that answers for an environment, or for a class such as `feature_*`. The role of a class
 * has a name that the role of an environment cannot have. The prefix makes every environment name
 * usable: `targets` or `root` would be a top-level role, JavaScript would reorder `2024` in an
 * object, and `__proto__` would be lost.
 */
export function environmentRole(environment: string): string {
  const name = environment.endsWith('*') ? `${environment.slice(0, -1)}-class` : environment;
  return `env-${name}`;
}

/**
 * What people call a role, in every command and message: `root`, `targets`, `online` (snapshot and
 * timestamp, which always have the same keys), `binaries`, or the environment or class. An
 * environment with one of the other names keeps the prefix.
 */
export function roleWord(role: string): string {
  if (role === 'snapshot' || role === 'timestamp') return 'online';
  if (isBinariesRole(role)) return BINARIES_ROLE;
  const environment = baseRole(role)
    .replace(/^env-/, '')
    .replace(/-class$/, '*');
  return ['root', 'targets', 'online', BINARIES_ROLE].includes(environment) ? role : environment;
}

/**
 * Removes the number that `mm key rotate --recover` adds to the name of a role. The `2024` of
 * `env-2024` is the environment.
 */
export function baseRole(role: string): string {
  return role.replace(/(?<=^binaries|^env-.+)-\d+$/, '');
}

/** The two release pointers of an environment. During a rollout some hosts run `next`. */
export type ReleaseSlot = 'current' | 'next';

/** The target path of a release pointer, `<environment>/current`. */
export function releaseTarget(environment: string, slot: ReleaseSlot): string {
  return `${environment}/${slot}`;
}

/** The path pattern that a role is delegated for an environment. */
export function environmentPaths(environment: string): string {
  return `${environment}/*`;
}

/**
 * The path patterns that mm delegates: `stable/*` for one environment, `dev_*` + `/*` for all
 * environments whose names start with `dev_`. Returns the part before the slash, or undefined for
 * any other form. With these forms only, overlap can be decided without a glob engine.
 */
export function environmentPattern(path: string): string | undefined {
  return /^(\w+\*?)\/\*$/.exec(path)?.[1];
}

/** The role that lists binaries. A number follows when it began again: `binaries-2`. */
export const BINARIES_ROLE = 'binaries';

/** Whether the role lists binaries, also after it began again. */
export function isBinariesRole(role: string): boolean {
  return baseRole(role) === BINARIES_ROLE;
}

/** The target path of a binary. The pattern of an environment covers no path with two slashes. */
export function binaryTarget(name: string): string {
  return `binaries/files/${name}`;
}

/** The only path pattern that the role of binaries is delegated. */
export const BINARY_PATHS = binaryTarget('*');

/** The limit of file systems for a name. */
const MAX_FILE_NAME_BYTES = 255;

/**
 * The file that a role is kept in. The holder of a delegating key chooses role names: `../../x`
 * must not leave the directory, and `2.root` must not be read as a root. Throws METADATA_INVALID
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

/**
 * The role that a file belongs to by its name: TUF's `7.env-stable.json`, or the kept
 * `env-stable.json`. Undefined for a name that no role has.
 */
export function roleOfFile(file: string): string | undefined {
  try {
    return decodeURIComponent(file.replace(/^\d+\./, '').replace(/\.json$/, ''));
  } catch {
    return undefined;
  }
}
