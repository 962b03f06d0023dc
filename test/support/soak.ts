/**
 * Whether this is `npm run test:soak`. It runs the files that import this one or fuzz.ts, and tries
 * in them every value, step and combination; `npm test` tries a part that is spread over all.
 */
export const IS_SOAK = process.env['MM_TEST_SOAK'] === '1';

/** Every so many of the items, beginning with the first; all of them in `npm run test:soak`. */
export function sampleOf<T>(items: Iterable<T>, every: number): readonly T[] {
  return [...items].filter((_, index) => IS_SOAK || index % every === 0);
}
