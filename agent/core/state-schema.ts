import * as z from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../../bucket/documents/names.ts';
import { StatusDocument } from '../../bucket/documents/status.ts';

/**
 * The schema of {@link HostState}, in a file of its own: the daemon needs only the type and must
 * not load zod.
 */
export const HostStateSchema = z.object({
  schemaVersion: z.literal(1),
  /** ETag of timestamp.json at the last refresh whose release was installed completely (I3). */
  etag: z.object({ environment: EnvironmentName, value: z.string().max(1024) }).nullable(),
  /** The publisher signed `stop`. Only newer verified metadata lifts it. */
  stopped: z.boolean(),
  /** The earliest expiry of the metadata in use. The daemon reads it here, not in the metadata. */
  earliestExpiry: Instant.nullable(),
  /** sha256 of the release that the last completed run applied. */
  lastRunRelease: Sha256.nullable(),
  /** sha256 of the last release that a run applied without a failure. It is never removed. */
  lastGoodRelease: Sha256.nullable(),
  /** A release that could not be installed. Polls do not download it again for a while. */
  refused: z
    .object({
      sha256: Sha256,
      code: z.string().max(64),
      message: z.string().max(1000),
      at: Instant,
    })
    .nullable(),
  /** The last status document, also when it is not sent yet. */
  status: StatusDocument.nullable(),
  /** The last successful upload of the status. `digest` covers the meaningful part. */
  uploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
  /** The last successful upload of the facts. `digest` covers the stable facts. */
  factsUploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
});
