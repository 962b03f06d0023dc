/** Which part of the soak: 1 is all, 0.1 a tenth. Undefined in `npm test`. */
const share = partOf(process.env['MM_TEST_SOAK']);

/**
 * Whether this is `npm run test:soak`. It runs the files that import this one or fuzz.ts, and tries
 * in them every value, step and combination; `npm test` tries a part that is spread over all.
 */
export const IS_SOAK = share !== undefined;

/** How many random values are tried: all in `npm run test:soak`, a tenth of them in `npm test`. */
export function runsOf(all: number): number {
  return Math.ceil(all * (share ?? 0.1));
}

/** Every so many of the items, beginning with the first; all of them in `npm run test:soak`. */
export function sampleOf<T>(items: Iterable<T>, every: number): readonly T[] {
  const step = share === undefined ? every : Math.min(every, Math.round(1 / share));
  return [...items].filter((_, index) => index % step === 0);
}

function partOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const part = Number(value);
  if (part > 0 && part <= 1) return part;
  throw new Error(`MM_TEST_SOAK: wanted a number above 0 and up to 1, found ${value}`);
}
