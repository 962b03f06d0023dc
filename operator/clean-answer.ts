import { z } from 'zod';
import { Instant, Sha256 } from '../bucket/documents/names.ts';
import { Tree } from './answers.ts';

const StoredObject = z.looseObject({
  key: z.string(),
  sha256: Sha256,
  length: z.int(),
  uploadedAt: Instant,
});

/** `mm clean`, under the rules of `answers.ts`. */
export const CleanAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['removed', 'unchanged', 'noop']),
  /** The removed tarballs and binaries; with `--noop` those that would be removed. */
  removed: z.array(StoredObject),
  /** Total size of what was removed. */
  bytes: z.int(),
  /** Number of tarballs and binaries that stay. */
  kept: z.int(),
  /** Those of them that nothing names, and that no key of this machine took out: until when. */
  waiting: z.array(StoredObject.extend({ until: Instant })),
});
export type CleanAnswer = z.infer<typeof CleanAnswer>;
