import { BINARY_PATHS, environmentPattern } from '../../../trust/metadata/role-names.ts';

/**
 * Names of the roles of environments and of classes. A number at the end belongs to a role that
 * began again under another name.
 */
export const DELEGATED_ROLE = /^env-\w+(-class)?(-\d+)?$/;

/**
 * Whether a path exists that both patterns cover. A form that mm never delegates overlaps with
 * everything.
 */
export function patternsOverlap(a: string, b: string): boolean {
  if (a === b) return true;
  const left = environmentPattern(a);
  const right = environmentPattern(b);
  const isOneOfBinaries = a === BINARY_PATHS || b === BINARY_PATHS;
  if (isOneOfBinaries) return left === undefined && right === undefined;
  if (left === undefined || right === undefined) return true;
  const leftPrefix = left.replace(/\*$/, '');
  const rightPrefix = right.replace(/\*$/, '');
  if (left === leftPrefix && right === rightPrefix) return left === right;
  if (left === leftPrefix) return left.startsWith(rightPrefix);
  if (right === rightPrefix) return right.startsWith(leftPrefix);
  return leftPrefix.startsWith(rightPrefix) || rightPrefix.startsWith(leftPrefix);
}
