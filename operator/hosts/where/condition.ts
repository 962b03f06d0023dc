import { CodedError } from '../../../shared/coded-error.ts';
import { isJsonObject } from '../../../shared/json.ts';

/** `--where FIELD=VALUE`: what a field of a host must be. */
export interface Condition {
  /** Dotted path: `environment`, `run.status`, `os.release.major`. */
  readonly field: string;
  readonly operator: (typeof OPERATORS)[number];
  readonly wanted: string;
  /** Of `~`. */
  readonly pattern: RegExp | undefined;
}

const OPERATORS = ['!=', '=', '~', '<', '>'] as const;

/** Facts have names such as `ec2_metadata.instance-id` and `mountpoints./var.size`. */
const SYNTAX = /^([^\s=!~<>]{1,300}) *(!=|=|~|<|>) *(.{0,1000})$/s;

/** Throws USAGE. */
export function parseCondition(text: string): Condition {
  const [, field = '', operator = '', wanted = ''] = SYNTAX.exec(text) ?? [];
  if (field === '') {
    throw wrong(text, 'expected FIELD=VALUE, or another of the operators != ~ < >');
  }
  const condition = { field, operator: operator as Condition['operator'], wanted };
  if (operator !== '~') return { ...condition, pattern: undefined };
  try {
    return { ...condition, pattern: new RegExp(wanted, 'u') };
  } catch (cause) {
    throw wrong(text, `not a regular expression: ${(cause as Error).message}`);
  }
}

/**
 * Whether the values of a field meet a condition. A field inside a list has several values: one of
 * them is enough, and for `!=` none of them may be equal. Without a value only `!=` is met.
 */
export function isMet(
  { operator, wanted, pattern }: Condition,
  values: readonly unknown[],
): boolean {
  switch (operator) {
    case '=':
      return values.some((value) => textOf(value) === wanted);
    case '!=':
      return values.every((value) => textOf(value) !== wanted);
    case '~':
      return values.some((value) => pattern?.test(textOf(value)));
    case '<':
      return values.some((value) => order(value, wanted) < 0);
    case '>':
      return values.some((value) => order(value, wanted) > 0);
  }
}

/** Whether a number is compared by `<` or `>` with something else: `run.durationSeconds>2m`. */
export function isIncomparable({ operator, wanted }: Condition, value: unknown): boolean {
  if (operator !== '<' && operator !== '>') return false;
  return typeof value === 'number' && Number.isNaN(order(value, wanted));
}

/**
 * The values at a dotted path. Keys may contain dots themselves: the status has the promoted facts
 * under their whole path. Empty when there is no such field.
 */
export function valuesAt(document: unknown, field: string): unknown[] {
  return valuesBelow(document, field.split('.'));
}

function valuesBelow(value: unknown, path: readonly string[]): unknown[] {
  const [first = ''] = path;
  if (Array.isArray(value)) {
    if (path.length > 0 && /^\d{1,6}$/.test(first))
      return valuesBelow(value[Number(first)], path.slice(1));
    return value.flatMap((each) => valuesBelow(each, path));
  }
  if (path.length === 0) return value === undefined ? [] : [value];
  if (!isJsonObject(value)) return [];
  // Most names have no dot, or are a whole path.
  if (path.length === 1) return Object.hasOwn(value, first) ? valuesBelow(value[first], []) : [];
  for (let length = 1; length <= path.length; length++) {
    const key = path.slice(0, length).join('.');
    if (!Object.hasOwn(value, key)) continue;
    const found = valuesBelow(value[key], path.slice(length));
    if (found.length > 0) return found;
  }
  return [];
}

/** Text as it is, everything else as JSON: `24.04`, `true`, `null`. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Versions and names such as `web9` and `web10` are in their natural order. */
const NATURAL = new Intl.Collator('en', { numeric: true });

/** Negative when `a` is before `b`. */
export function naturalOrder(a: string, b: string): number {
  return NATURAL.compare(a, b);
}

/** Negative when the value is before `wanted`. NaN, which is neither, when they do not compare. */
function order(value: unknown, wanted: string): number {
  if (typeof value === 'number') return wanted === '' ? Number.NaN : value - Number(wanted);
  return typeof value === 'string' ? naturalOrder(value, wanted) : Number.NaN;
}

function wrong(text: string, why: string): CodedError {
  return new CodedError(`--where ${JSON.stringify(text)}: ${why}`, {
    code: 'USAGE',
    next: "for example --where environment=stable, or --where 'run.durationSeconds>60'",
  });
}
