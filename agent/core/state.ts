import type * as z from 'zod';
import type { HostStateSchema } from './state-schema.ts';

/**
 * What a host remembers between cycles: `state.json`. Its loss costs one request and one upload,
 * but no safety: the trusted metadata, with a signed stop, is in the trust directory, and the
 * active release is the one that the environment's link points to.
 */
export type HostState = z.infer<typeof HostStateSchema>;

export const NO_STATE: HostState = {
  schemaVersion: 1,
  etag: null,
  stopped: false,
  earliestExpiry: null,
  lastRunRelease: null,
  lastGoodRelease: null,
  retry: null,
  held: null,
  changes: [],
  bad: [],
  good: null,
  deferred: null,
  decision: null,
  refused: null,
  status: null,
  uploaded: null,
  factsUploaded: null,
};
