import { isDeepStrictEqual } from 'node:util';
import { printable } from '../../shared/clean-text.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../shared/json.ts';
import { highestOf, VERSIONS_FIELD } from '../metadata/highest-version.ts';
import type { ProposedDocument } from './file.ts';

/*
 * A label that was signed stays: the next release gets a higher one. So signers refuse a label that
 * mm would not have written. What the role says already is no reason to refuse a renewal.
 */

interface Present {
  /** What is signed for the role now. */
  readonly present: JsonObject;
  /** A revocation also collects the labels of older files. */
  readonly isRevocation: boolean;
}

/** Problems of the highest version labels of a proposed role. */
export function lintVersionLabels(
  { role, signed }: Pick<ProposedDocument, 'role' | 'signed'>,
  given: Present,
): string[] {
  const labels = signed[VERSIONS_FIELD];
  if (labels === undefined || isDeepStrictEqual(labels, given.present[VERSIONS_FIELD])) return [];
  if (!role.startsWith('env-') || !isJsonObject(labels)) {
    return [`${VERSIONS_FIELD}: wanted the labels of environments`];
  }
  const wrong = Object.entries(labels).find((each) => !isWritten(each, signed, given));
  if (wrong === undefined) return [];
  const [environment, label] = wrong.map((each) => printable(JSON.stringify(each), 100));
  return [
    `${VERSIONS_FIELD}: wanted the highest label of the releases of ${environment}, found ${label}`,
  ];
}

/** Whether mm would have written the label. */
function isWritten(
  [environment, label]: [string, unknown],
  signed: JsonObject,
  { present, isRevocation }: Present,
): boolean {
  const labels = present[VERSIONS_FIELD];
  const isStated = isJsonObject(labels) && Object.hasOwn(labels, environment);
  const known = isStated ? labels[environment] : undefined;
  if (isStated && isDeepStrictEqual(label, known)) return true;
  if (!/^\w+$/.test(environment) || highestOf([known, label]) !== label) return false;
  const before = releaseLabels(present, environment);
  const isFirst = isJsonObject(labels) && !isStated && before.length === 0;
  // Otherwise mm reads older files, which say more than the present one.
  const isKnown = highestOf([known]) !== undefined || isFirst;
  if (isRevocation || !isKnown) return true;
  return [...before, ...releaseLabels(signed, environment)].includes(label);
}

function releaseLabels(signed: JsonObject, environment: string): unknown[] {
  return Object.entries(jsonObject(signed['targets']))
    .filter(([path]) => path.startsWith(`${environment}/`))
    .map(([, target]) => jsonObject(jsonObject(target)['custom'])['version']);
}
