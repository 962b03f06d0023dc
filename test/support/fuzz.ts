import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../shared/coded-error.ts';
import { runsOf } from './soak.ts';

/** Reading untrusted bytes must not take longer, on any machine. The slowest case is printed. */
const LIMIT_MS = 30_000;

/**
 * Checks the property and prints how often and with which seed. MM_TEST_SEED repeats one.
 *
 * @param all as `runsOf` has it
 * @param examples values that are tried once each
 */
export async function checkProperty<T>(
  context: { diagnostic(message: string): void },
  arbitrary: fc.Arbitrary<T>,
  holds: (value: T) => Promise<void> | void,
  all = 60,
  examples: readonly T[] = [],
): Promise<void> {
  let slowestMs = 0;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    const startedAt = performance.now();
    await holds(value);
    const ms = performance.now() - startedAt;
    slowestMs = Math.max(slowestMs, ms);
    assert.ok(ms < LIMIT_MS, `took ${Math.round(ms)} ms`);
  });
  const seed = process.env['MM_TEST_SEED'];
  const options = {
    numRuns: runsOf(all) + examples.length,
    examples: examples.map((value): [T] => [value]),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
  const result = await fc.check(property, options);
  context.diagnostic(
    `${result.numRuns} runs, seed ${result.seed}, slowest ${Math.round(slowestMs)} ms`,
  );
  if (result.failed) {
    throw new Error(fc.defaultReportMessage(result), { cause: result.errorInstance });
  }
}

/**
 * Returns the result of the function. An error with a code is an answer as well; any other error is
 * a defect.
 */
export async function orCoded<T>(read: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    assert.ok(error instanceof CodedError, error instanceof Error ? error.stack : String(error));
    return undefined;
  }
}

/** Deep nesting finds readers that recurse. */
export function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

/**
 * Any code point, half surrogates included, as the unit `binary` of fast-check. That one makes a
 * table of all code points in each process, for a second of CPU.
 */
export const anyCodePoint: fc.Arbitrary<string> = fc.integer({ min: 0, max: 0x10_ffff }).map(
  (point) => String.fromCodePoint(point),
  // With it, fast-check also tries names such as `__proto__`.
  (text) => {
    if (typeof text !== 'string' || [...text].length !== 1) throw new Error('no code point');
    return text.codePointAt(0) ?? 0;
  },
);

/** JSON with reserved names of JavaScript and lone surrogates, and any other text. */
export const smallJsonText: fc.Arbitrary<string> = fc.oneof(
  fc.json({ stringUnit: anyCodePoint }),
  fc.string({ unit: anyCodePoint }),
  fc.constantFrom(
    '{"__proto__":{"a":1},"constructor":{"prototype":null},"toString":1}',
    '{"a":"\\ud800","\\udfff":1e999,"b":-0}',
  ),
);

/** Deep, wide and long values. */
export const LARGE_JSON: readonly string[] = [
  nested(50_000),
  `{"a":${nested(50_000)}}`,
  `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  `[${'0,'.repeat(60_000)}0]`,
  `{"a":"${'x'.repeat(200_000)}"}`,
];

/** Hostile JSON. */
export const anyJsonText: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: smallJsonText, weight: 3 },
  { arbitrary: fc.constantFrom(...LARGE_JSON), weight: 1 },
);

/** A valid text with one part replaced: nearly valid input reaches more code than noise. */
export function spoilt(valid: string, inserted: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .record({ at: fc.nat(valid.length), length: fc.nat(30), text: inserted })
    .map(({ at, length, text }) => valid.slice(0, at) + text + valid.slice(at + length));
}

/** A valid JSON document with one value, at any depth, replaced by anything. */
export function withAnyValue(valid: object): fc.Arbitrary<string> {
  return fc
    .record({ path: fc.constantFrom(...pathsOf(valid)), text: anyJsonText })
    .map(({ path, text }) =>
      JSON.stringify(replaced(valid, path, HOLE)).replace(`"${HOLE}"`, () => text),
    );
}

const HOLE = 'the hole';

/** The parsed JSON, or the text itself when it does not parse. */
export function parsed(texts: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  return texts.map((text) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  });
}

function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((path) => [key, ...path]),
  ]);
}

function replaced(value: unknown, [key, ...below]: readonly string[], instead: unknown): unknown {
  if (key === undefined) return instead;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as object;
  Object.assign(copy, { [key]: replaced(Reflect.get(copy, key), below, instead) });
  return copy;
}
