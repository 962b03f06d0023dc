import { z } from 'zod';
import { Instant, Sha256 } from '../bucket/documents/names.ts';
import { Proposed, Tree } from './answers.ts';

/* The answers of `mm binaries`, under the rules of `answers.ts`. */

const Binary = {
  name: z.string(),
  sha256: Sha256,
  /** Size in bytes. */
  length: z.int(),
};

/** What every change of the signed list has. */
const Changed = {
  ...Tree,
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  ...Proposed,
  /** Signatures that the roles of a proposal still need. */
  missing: z.record(z.string(), z.int()),
};

export const BinariesInitAnswer = z.looseObject({
  ...Changed,
  outcome: z.enum(['added', 'proposed', 'unchanged', 'noop']),
  /** The environment whose keys may sign binaries; null when the role was there already. */
  like: z.string().nullable(),
});
export type BinariesInitAnswer = z.infer<typeof BinariesInitAnswer>;

export const BinariesPutAnswer = z.looseObject({
  ...Changed,
  outcome: z.enum(['put', 'proposed', 'unchanged', 'noop']),
  binaries: z.array(
    z.looseObject({ ...Binary, change: z.enum(['added', 'replaced', 'unchanged']) }),
  ),
});
export type BinariesPutAnswer = z.infer<typeof BinariesPutAnswer>;

export const BinariesListAnswer = z.looseObject({
  ...Tree,
  binaries: z.array(z.looseObject({ ...Binary, at: Instant, by: z.string(), reason: z.string() })),
});
export type BinariesListAnswer = z.infer<typeof BinariesListAnswer>;

export const BinariesRemoveAnswer = z.looseObject({
  ...Changed,
  outcome: z.enum(['removed', 'proposed', 'unchanged', 'noop']),
  removed: z.array(z.looseObject(Binary)),
});
export type BinariesRemoveAnswer = z.infer<typeof BinariesRemoveAnswer>;
