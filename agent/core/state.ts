import type * as z from 'zod';
import type { HostStateSchema } from './state-schema.ts';

/**
 * What a host remembers between cycles, `state.json`. Losing it costs a download check and an upload, never safety: what
 * is trusted, a signed stop included, lies in the trust directory, and what is active is where the environment's link
 * points.
 */
export type HostState = z.infer<typeof HostStateSchema>;

export const NO_STATE: HostState = {
  schemaVersion: 1,
  etag: null,
  stopped: false,
  earliestExpiry: null,
  lastRunRelease: null,
  lastGoodRelease: null,
  refused: null,
  status: null,
  uploaded: null,
  factsUploaded: null,
};
