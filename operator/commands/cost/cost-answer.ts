import { z } from 'zod';

/** `mm cost`, under the rules of `answers.ts`. All figures are those of a month. */
export const CostAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  load: z.looseObject({
    hosts: z.int(),
    pollSeconds: z.int(),
    runSeconds: z.int(),
    heartbeatSeconds: z.int(),
    /** Shares are from 0 to 1. */
    changing: z.number(),
    releases: z.int(),
    renewals: z.int(),
    reads: z.int(),
    outside: z.number(),
  }),
  /** Bytes. */
  sizes: z.looseObject({ status: z.int(), facts: z.int(), tarball: z.int() }),
  /** Where the sizes of status and facts are from. */
  measured: z.boolean(),
  /** Dollars for 1,000 requests, or for a GB. */
  prices: z.looseObject({
    region: z.string(),
    date: z.string(),
    dollars: z.record(z.string(), z.number()),
  }),
  rows: z.array(
    z.looseObject({
      kind: z.string(),
      /** The name of its price. */
      price: z.string(),
      requests: z.int(),
      bytes: z.int(),
      dollars: z.number(),
    }),
  ),
  total: z.looseObject({ requests: z.int(), dollars: z.number() }),
});
export type CostAnswer = z.infer<typeof CostAnswer>;
