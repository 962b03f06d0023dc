import semver from 'semver';
import { VERSION_NUMBERS } from '../../bucket/documents/name-rules.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../shared/json.ts';
import type { RoleContent } from './signed-file.ts';

/*
 * The highest version label that an environment has ever had is signed beside its releases. After a
 * rollback no release of the role has it any more, and two releases must not get one label.
 */

export const VERSIONS_FIELD = 'x-versions';

/** Undefined when the role does not say it: an older mm signed it, or nothing was published. */
export function highestVersion(content: RoleContent, environment: string): string | undefined {
  const label = jsonObject(content[VERSIONS_FIELD])[environment];
  return typeof label === 'string' ? highestOf([label]) : undefined;
}

/** Whether the role says the labels of its environments, and this one has had none. */
export function isFirstIn(content: RoleContent, environment: string): boolean {
  const labels = content[VERSIONS_FIELD];
  return isJsonObject(labels) && !Object.hasOwn(labels, environment);
}

/** What a file says of all its environments. A thief can have written any of it. */
export function claimedVersions(content: JsonObject): [environment: string, label: unknown][] {
  return Object.entries(jsonObject(content[VERSIONS_FIELD]));
}

/** The same content, with these labels and no others. */
export function withHighestVersions(
  content: RoleContent,
  labels: ReadonlyMap<string, string>,
): RoleContent {
  const { [VERSIONS_FIELD]: _, ...rest } = content;
  const versions = Object.fromEntries(labels);
  return { ...rest, ...(labels.size > 0 && { [VERSIONS_FIELD]: versions }), _type: content._type };
}

/** The same content, with this label of the environment. Undefined removes it. */
export function withHighestVersion(
  content: RoleContent,
  environment: string,
  label: string | undefined,
): RoleContent {
  const { [VERSIONS_FIELD]: before, ...rest } = content;
  const { [environment]: _, ...others } = jsonObject(before);
  const versions = { ...others, ...(label !== undefined && { [environment]: label }) };
  const isEmpty = Object.keys(versions).length === 0;
  return { ...rest, ...(!isEmpty && { [VERSIONS_FIELD]: versions }), _type: content._type };
}

/**
 * The highest of the labels. Those that are not semver have no order and are left out, and so are
 * those of a thief that have no higher one.
 */
export function highestOf(labels: readonly unknown[]): string | undefined {
  const valid = labels.filter((label) => isOrdered(label));
  return valid.sort((a, b) => semver.compare(b, a))[0];
}

function isOrdered(label: unknown): label is string {
  if (typeof label !== 'string' || label.length > MAX_LENGTH) return false;
  return semver.valid(label) !== null && VERSION_NUMBERS.test(label) && !NO_HIGHER.test(label);
}

/** As in the schema of a release. */
const MAX_LENGTH = 64;
const NO_HIGHER = /^9{15}\.9{15}\.9{15}/;
