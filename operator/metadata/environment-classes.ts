import type { Metadata, Targets } from '@tufjs/models';
import {
  BINARY_PATHS,
  environmentPaths,
  environmentPattern,
} from '../../trust/metadata/role-names.ts';
import { patternsOverlap } from './lint/environment-pattern.ts';

/*
 * The environments of a class share one role and its keys: `dev_*` for the work of one person,
 * `feature_*` for branches. A new environment of a class needs no new signature of targets.
 */

/** Every tree has this class from the start, with the environment `dev`. */
export const DEV_ROLE = 'env-dev';
export const DEV_PATHS = ['dev/*', 'dev_*/*'];

/**
 * The name of a class: word characters, "_" and "*". The "_" is required, so that `st*` cannot
 * cover `stable`.
 */
export const CLASS_PATTERN = /^\w{0,60}_\*$/;

/** Whether the environment belongs to the class that every tree has. */
export function isDevEnvironment(environment: string): boolean {
  return environment === 'dev' || environment.startsWith('dev_');
}

/** What a delegated role covers: names of environments, and patterns such as `dev_*`. */
export interface RoleCoverage {
  readonly role: string;
  readonly covers: readonly string[];
}

/** What each role that targets delegates covers. */
export function coverageOf(targets: Metadata<Targets> | undefined): RoleCoverage[] {
  const roles = Object.values(targets?.signed.delegations?.roles ?? {});
  return roles.map(({ name, paths }) => ({ role: name, covers: coveredBy(paths ?? []) }));
}

/** The environments of path patterns such as `stable/*`. The role of binaries has none. */
export function coveredBy(paths: readonly string[]): string[] {
  return paths
    .filter((path) => path !== BINARY_PATHS)
    .map((path) => environmentPattern(path) ?? path);
}

/** Whether a role covers a class of environments. */
export function isClass({ covers }: Pick<RoleCoverage, 'covers'>): boolean {
  return covers.some((pattern) => pattern.endsWith('*'));
}

/** The role that covers the environment, or an environment of the class. */
export function roleCovering(
  targets: Metadata<Targets> | undefined,
  name: string,
): RoleCoverage | undefined {
  const paths = environmentPaths(name);
  return coverageOf(targets).find(({ covers }) =>
    covers.some((pattern) => patternsOverlap(environmentPaths(pattern), paths)),
  );
}
