import type { z } from 'zod';
import { nearest } from '../suggestion.ts';
import { exampleOf, knownKeys } from './schema.ts';
import { type ConfigProblem, keyPath, type Place, type YamlMap } from './yaml.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

export type Checked<T> =
  | { readonly success: true; readonly config: T }
  | { readonly success: false; readonly problems: readonly ConfigProblem[] };

/**
 * Checks values against the schema and describes each problem. `places` maps key paths to lines,
 * and '' to the whole file. A missing key is reported at the line of its map.
 */
export function checkConfig<T extends z.ZodType>(
  value: YamlMap,
  schema: T,
  places: ReadonlyMap<string, Place>,
): Checked<z.infer<T>> {
  const parsed = schema.safeParse(value, { error: describeExpected });
  if (parsed.success) return { success: true, config: parsed.data };
  const nearestPlace = (path: readonly PropertyKey[]): Place => {
    const place = places.get(keyPath(path));
    return place ?? (path.length > 0 ? nearestPlace(path.slice(0, -1)) : { file: '', line: 1 });
  };
  const problems = parsed.error.issues.flatMap((issue): ConfigProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path);
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        return { place: nearestPlace(path), message: unknownKey(path, key, known) };
      });
    }
    const place = nearestPlace(issue.path);
    if (issue.code === 'invalid_key') {
      const why = issue.issues[0]?.message.replace(/^expected /, 'wanted ') ?? issue.message;
      const name = shown(String(issue.path.at(-1)));
      return [{ place, message: `${keyPath(issue.path)}: ${why}, found ${name}` }];
    }
    const example = exampleOf(schema, issue.path);
    return [{ place, message: `${keyPath(issue.path)}: ${wantedAndFound(issue, value, example)}` }];
  });
  return { success: false, problems };
}

function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return `${keyPath(path)}: unknown key; ${hint}`;
}

function wantedAndFound(issue: Issue, value: YamlMap, example: string | undefined): string {
  let found: unknown = value;
  for (const step of issue.path) found = (found as YamlMap | undefined)?.[String(step)];
  const wanted = issue.message.replace(/^expected /, 'wanted ');
  if (found !== undefined && found !== null) return `${wanted}, found ${shown(found)}`;
  const problem = found === undefined ? 'this key is missing' : 'this key has no value';
  const key = String(issue.path.at(-1) ?? '');
  return `${problem}: ${example === undefined ? wanted : `add for example "${key}: ${example}"`}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  // JSON has no NaN.
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value).replace(/\/\/[^/@]*@/, '//***@'); // a URL's password
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

/** The default message of an issue, when the schema does not define one. */
function describeExpected(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'invalid_union':
      return `expected ${issue.errors.map((branch) => branch[0]?.message.replace(/^expected /, '')).join(' or ')}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_format':
      return `expected ${issue.pattern === undefined ? `a valid ${issue.format}` : `text that matches ${issue.pattern}`}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return undefined;
  }
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}
