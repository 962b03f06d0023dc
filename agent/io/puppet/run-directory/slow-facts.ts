import type { SlowFact } from '../../../../bucket/documents/status.ts';

/** fact_times.rb writes at most this many. */
const MAX_FACTS = 10;

/** Returns the slow facts that fact_times.rb wrote. Drops entries of another shape. */
export function parseSlowFacts(value: unknown): readonly SlowFact[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, MAX_FACTS)
    .flatMap((entry: { name?: unknown; seconds?: unknown } | null) => {
      const { name, seconds } = entry ?? {};
      const isSlowFact = typeof name === 'string' && typeof seconds === 'number';
      return isSlowFact ? [{ name: name.slice(0, 200), seconds }] : [];
    });
}
