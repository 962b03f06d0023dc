import semver from 'semver';
import { jsonObject } from '../../shared/json.ts';
import type { RoleContent } from './signed-file.ts';

/*
 * The highest version label that an environment has ever had is signed beside its releases. After a
 * rollback no release of the role has it any more, and two releases must not get one label.
 */

const FIELD = 'x-versions';

/** Undefined when the role does not say it: an older mm signed it, or nothing was published. */
export function highestVersion(content: RoleContent, environment: string): string | undefined {
  const label = jsonObject(content[FIELD])[environment];
  return typeof label === 'string' ? highestOf([label]) : undefined;
}

/** The same content, with this label of the environment. Undefined removes it. */
export function withHighestVersion(
  content: RoleContent,
  environment: string,
  label: string | undefined,
): RoleContent {
  const { [FIELD]: before, ...rest } = content;
  const { [environment]: _, ...others } = jsonObject(before);
  const versions = { ...others, ...(label !== undefined && { [environment]: label }) };
  const isEmpty = Object.keys(versions).length === 0;
  return { ...rest, ...(!isEmpty && { [FIELD]: versions }), _type: content._type };
}

/** The highest of the labels. Those that are not semver have no order and are left out. */
export function highestOf(labels: readonly (string | undefined)[]): string | undefined {
  const valid = labels.filter((label) => label !== undefined && semver.valid(label) !== null);
  return valid.sort((a, b) => semver.compare(b ?? '', a ?? ''))[0];
}
