/*
 * What the signed part of a file may hold. Functions that walk it call themselves for each level,
 * so a thief who signs thousands of levels would end each command with a RangeError. Canonical
 * JSON, which keys sign, has no fractions; parsers disagree on integers above 2^53, and half
 * surrogate pairs have no bytes of their own.
 */

/** Limit of the levels of a signed part. Honest metadata has fewer than 10. */
export const MAX_LEVELS = 64;

/** Where it is, as `targets.stable/current.length`, and what is wrong with it. */
export interface JsonProblem {
  readonly path: readonly string[];
  readonly what: string;
}

/** The first value that no signed part may hold. `levels`: how many more are allowed. */
export function jsonProblem(value: unknown, levels = MAX_LEVELS): JsonProblem | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    return { path: [], what: `wanted an integer, found ${value}` };
  }
  if (typeof value === 'string' && !value.isWellFormed()) return { path: [], what: HALF };
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return { path: [], what: `wanted at most ${MAX_LEVELS} levels` };
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const name = String(key);
    const found = name.isWellFormed()
      ? jsonProblem((value as Readonly<Record<string, unknown>>)[name], levels - 1)
      : { path: [], what: HALF };
    if (found !== undefined) return { ...found, path: [name, ...found.path] };
  }
  return undefined;
}

const HALF = 'wanted text in UTF-8, found half a surrogate pair';
