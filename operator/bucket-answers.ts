import { z } from 'zod';
import { TreeName } from '../bucket/documents/names.ts';
import { Tree } from './answers.ts';

/** `mm bucket init`, under the rules of `answers.ts`. */
export const BucketAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  bucket: z.string(),
  /** The trees whose prefixes got rules. */
  trees: z.array(TreeName),
  /** `incomplete`: something is missing, and the exit code is 1. */
  outcome: z.enum(['complete', 'incomplete']),
  noop: z.boolean(),
  settings: z.array(
    z.looseObject({
      name: z.string(),
      /**
       * `ok`: was there. `set`: changed now. `open`: would be changed. `lacking`: the store does
       * not have it, or something is in the way. `denied`: these credentials may not do it.
       * `untried`: the check writes an object, and --noop does not.
       */
      outcome: z.enum(['ok', 'set', 'open', 'lacking', 'denied', 'untried']),
      /** What was there before. */
      found: z.string(),
      /** What it was or would be changed to. Null when nothing changes. */
      wanted: z.string().nullable(),
      next: z.string().nullable(),
    }),
  ),
});
export type BucketAnswer = z.infer<typeof BucketAnswer>;

/** `mm policy check`. */
export const PolicyCheckAnswer = z.looseObject({
  ...Tree,
  of: z.enum(['machine', 'publisher', 'reader', 'reporter', 'cleaner']),
  /** How hosts get their credentials. Null for people and jobs. */
  credentials: z.enum(['shared-user', 'ec2', 'roles-anywhere']).nullable(),
  /** Of a cleaner: the policy beside it. Null for the others. */
  beside: z.enum(['publisher', 'reader']).nullable(),
  /** `wrong`: a row is wrong, and the exit code is 1. */
  outcome: z.enum(['ok', 'wrong']),
  checks: z.array(
    z.looseObject({
      /** `write metadata`. */
      name: z.string(),
      /** The object key or the prefix that it was tried with. */
      key: z.string(),
      action: z.string(),
      wanted: z.enum(['allowed', 'refused']),
      /** `unclear`: refused, but perhaps only because no object has this key. */
      found: z.enum(['allowed', 'refused', 'unclear']),
      outcome: z.enum(['ok', 'wrong', 'unproven']),
      /** What the store answered, for example `403 AccessDenied`. */
      answer: z.string(),
      /** What the trial could not remove. Only in a store that ignores conditions. */
      left: z.string().nullable(),
      next: z.string().nullable(),
    }),
  ),
});
export type PolicyCheckAnswer = z.infer<typeof PolicyCheckAnswer>;
