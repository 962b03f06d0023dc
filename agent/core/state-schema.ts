import * as z from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../../bucket/documents/names.ts';
import { StatusDocument } from '../../bucket/documents/status.ts';

/** The schema of {@link HostState}, apart from its type: it takes longer to build than all else that a cycle does with it. */
export const HostStateSchema = z.object({
  schemaVersion: z.literal(1),
  /** ETag of timestamp.json at the last update that was completed, release on disk included (docs/trust.md, I3). */
  etag: z.object({ environment: EnvironmentName, value: z.string().max(1024) }).nullable(),
  /** The publisher signed `stop`; only newer verified metadata lifts it. */
  stopped: z.boolean(),
  /** The earliest expiry of the metadata in use, so that the daemon notices it without reading them. */
  earliestExpiry: Instant.nullable(),
  /** sha256 of the release that the last completed run applied. */
  lastRunRelease: Sha256.nullable(),
  /** sha256 of the last release that a run applied without a failure; never pruned. */
  lastGoodRelease: Sha256.nullable(),
  /** A release that could not be taken, so that a poll need not fetch it again each time. */
  refused: z
    .object({
      sha256: Sha256,
      code: z.string().max(64),
      message: z.string().max(1000),
      at: Instant,
    })
    .nullable(),
  /** The status document as last written, sent or not. */
  status: StatusDocument.nullable(),
  /** The last upload of the status that worked; `digest` is over what is meaningful in it. */
  uploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
  /** The last upload of the facts that worked; `digest` is the stable facts'. */
  factsUploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
});
