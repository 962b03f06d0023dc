import * as z from 'zod';
import { Certname, EnvironmentName } from './names.ts';
import { RunSummary } from './status.ts';

/**
 * What `mm-agent --apply` prints for `mm apply`. It is never in the bucket; it is defined here
 * because both programs must agree on it.
 */
export const LocalRun = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('run'),
    environment: EnvironmentName,
    certname: Certname,
    puppetVersion: z.string(),
    summary: RunSummary,
    /** By the rules of `mm-agent --once`. */
    exitCode: z.int(),
  }),
  z.looseObject({
    kind: z.literal('disabled'),
    environment: EnvironmentName,
    certname: Certname,
    reason: z.string(),
    by: z.string().nullable(),
    exitCode: z.int(),
  }),
  z.looseObject({
    kind: z.literal('error'),
    code: z.string(),
    message: z.string(),
    next: z.string().nullable(),
  }),
]);
export type LocalRun = z.infer<typeof LocalRun>;
