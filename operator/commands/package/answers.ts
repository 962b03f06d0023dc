import { z } from 'zod';
import { Sha256 } from '../../../bucket/documents/names.ts';
import { Tree } from '../../answers.ts';

/* The answers about new hosts, under the rules of operator/answers.ts. */

export const SitePackageAnswer = z.looseObject({
  ...Tree,
  name: z.string(),
  version: z.string(),
  packages: z.array(z.looseObject({ path: z.string(), sha256: Sha256, length: z.int() })),
  /** Path on a host to sha256. */
  files: z.record(z.string(), Sha256),
});
export type SitePackageAnswer = z.infer<typeof SitePackageAnswer>;
