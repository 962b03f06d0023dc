import * as z from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../../bucket/documents/names.ts';
import { StatusDocument } from '../../bucket/documents/status.ts';

/**
 * What a host remembers between cycles, `state.json`. Losing it costs a download check and an upload, never safety: what
 * is trusted lies in the trust directory, and what is active is where the environment's link points.
 */
export const HostState = z.object({
  schemaVersion: z.literal(1),
  /** ETag of timestamp.json at the last update that was completed, release on disk included (trust.md 6.4.8). */
  etag: z.object({ environment: EnvironmentName, value: z.string().max(1024) }).nullable(),
  /** The publisher signed `stop`; only newer verified metadata lifts it. */
  stopped: z.boolean(),
  /** The earliest expiry of the metadata in use, so that the daemon notices it without reading them. */
  earliestExpiry: Instant.nullable(),
  /** sha256 of the release that the last completed run applied. */
  lastRunRelease: Sha256.nullable(),
  /** sha256 of the last release that a run applied without a failure; never pruned. */
  lastGoodRelease: Sha256.nullable(),
  /** The status document as last written, sent or not. */
  status: StatusDocument.nullable(),
  /** The last upload of the status that worked; `digest` is over what is meaningful in it. */
  uploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
  /** The last upload of the facts that worked; `digest` is the stable facts'. */
  factsUploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
});
export type HostState = z.infer<typeof HostState>;

export const NO_STATE: HostState = {
  schemaVersion: 1,
  etag: null,
  stopped: false,
  earliestExpiry: null,
  lastRunRelease: null,
  lastGoodRelease: null,
  status: null,
  uploaded: null,
  factsUploaded: null,
};
