import type { Limits } from './pairs.ts';

/** How often each part is measured; undefined: not at all. */
export type Plan = Readonly<Record<Part, Limits | undefined>>;

type Part =
  | 'empty'
  | 'hundred'
  | 'thousand'
  | 'original'
  | 'others'
  | 'ansible'
  | 'firstReleases'
  | 'otherReleases'
  | 'start'
  | 'publishing'
  | 'gates'
  | 'preview';

/** About 12 minutes. */
export const FULL: Plan = {
  empty: { pairs: 4, seconds: 30 },
  hundred: { pairs: 6, least: 3, seconds: 60 },
  thousand: { pairs: 3, seconds: 60 },
  original: { pairs: 4, least: 3, seconds: 50 },
  others: { pairs: 2, seconds: 25 },
  ansible: { pairs: 1, seconds: 0 },
  firstReleases: { pairs: 3, seconds: 40 },
  otherReleases: { pairs: 2, seconds: 30 },
  start: { pairs: 15, seconds: 15 },
  publishing: { pairs: 3, seconds: 30 },
  gates: { pairs: 2, seconds: 90 },
  preview: { pairs: 1, seconds: 0 },
};

/** About 3 minutes: only what has a mark, without the preview of 1,000 hosts. */
export const QUICK: Plan = {
  empty: undefined,
  hundred: { pairs: 3, least: 2, seconds: 30 },
  thousand: undefined,
  original: { pairs: 2, least: 2, seconds: 20 },
  others: undefined,
  ansible: undefined,
  firstReleases: { pairs: 1, seconds: 0 },
  otherReleases: undefined,
  start: { pairs: 9, seconds: 8 },
  publishing: { pairs: 1, seconds: 0 },
  gates: { pairs: 1, seconds: 0 },
  preview: undefined,
};
