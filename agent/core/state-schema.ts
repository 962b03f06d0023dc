import * as z from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../../bucket/documents/names.ts';
import { ActiveRelease, BadRelease, Fight, StatusDocument } from '../../bucket/documents/status.ts';

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
  /**
   * sha256 of the last release that a run applied without a failure. Its release is never removed.
   */
  lastGoodRelease: Sha256.nullable(),
  /** See core/when/retry.ts. Missing in the state of an older version. */
  retry: z
    .object({
      release: Sha256,
      failed: z.int().min(1),
      of: z.int().min(1),
      at: Instant.nullable(),
    })
    .nullable()
    .default(null),
  /** See core/when/owed-run.ts. Missing in the state of an older version. */
  held: z.object({ release: Sha256, isOwed: z.boolean() }).nullable().default(null),
  /** See core/run/fights.ts. Missing in the state of an older version. */
  changes: z.array(Fight).max(50).default([]),
  /** See core/health/health.ts. Missing in the state of an older version. */
  bad: z.array(BadRelease).max(5).default([]),
  good: z
    .object({
      release: ActiveRelease,
      environment: EnvironmentName,
      root: z.int(),
      targets: z.int(),
    })
    .nullable()
    .default(null),
  /** See core/when/deferral.ts. Missing in the state of an older version. */
  deferred: z
    .object({ since: Instant, until: Instant, why: z.string().max(500) })
    .nullable()
    .default(null),
  /** What the last cycle decided, for `mm-agent why`. Missing in the state of an older version. */
  decision: z
    .object({
      at: Instant,
      trigger: z.enum(['asked', 'poll', 'apply', 'start']),
      run: z.enum(['run', 'noop', 'no']),
      why: z.string().max(1000),
    })
    .nullable()
    .default(null),
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
  uploaded: z
    .object({
      at: Instant,
      digest: Sha256,
      /** The ETag of the object that this host wrote. Null while an upload has no answer. */
      etag: z.string().max(200).nullable().optional(),
      /** When the bucket refused a write with `If-Match`. */
      refusedAt: Instant.optional(),
    })
    .nullable(),
  /** The last successful upload of the facts. `digest` covers the stable facts. */
  factsUploaded: z.object({ at: Instant, digest: Sha256 }).nullable(),
});
