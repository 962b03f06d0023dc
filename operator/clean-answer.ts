import { z } from 'zod';
import { Instant, Sha256 } from '../bucket/documents/names.ts';
import { Tree } from './answers.ts';

/** `mm clean`, under the rules of `answers.ts`. */
export const CleanAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['removed', 'unchanged', 'noop']),
  /** The removed tarballs and binaries; with `--noop` those that would be removed. */
  removed: z.array(
    z.looseObject({ key: z.string(), sha256: Sha256, length: z.int(), uploadedAt: Instant }),
  ),
  /** Total size of what was removed. */
  bytes: z.int(),
  /** Number of tarballs and binaries that stay. */
  kept: z.int(),
});
export type CleanAnswer = z.infer<typeof CleanAnswer>;
