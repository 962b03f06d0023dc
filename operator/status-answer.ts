import { z } from 'zod';
import { Instant } from '../bucket/documents/names.ts';
import { Tree } from './answers.ts';

/**
 * One entry for each host, under the rules of `answers.ts`. `mm status <certname>` prints the
 * status document of the host itself.
 */
export const StatusListAnswer = z.looseObject({
  ...Tree,
  hosts: z.array(
    z.looseObject({
      /** From the object key. */
      certname: z.string(),
      /** When S3 received the object. */
      receivedAt: Instant,
      /** Whole seconds since then. */
      ageSeconds: z.int(),
      /** Older than the host itself announced, or than `--stale` says. */
      stale: z.boolean(),
      /** Null when the object is not a valid status document; `problem` says why. */
      environment: z.string().nullable(),
      version: z.string().nullable(),
      run: z.string().nullable(),
      /** Why the run failed. Null when it did not. */
      failure: z.string().nullable(),
      trust: z.string().nullable(),
      /** Tells machines apart. Null when the host did not report it. */
      hostId: z.string().nullable(),
      /** Why several machines seem to write this status. Null when only one does. */
      shared: z.string().nullable(),
      /** When a failed run is tried again. Null after a good run. */
      retry: z.string().nullable(),
      /** Why Puppet changes nothing until `apply_window` opens. Null when it is open. */
      window: z.string().nullable(),
      /** Why a run waits for better conditions (`defer_on`). Null when none waits. */
      deferred: z.string().nullable(),
      /** What `mm-agent pin` made it follow, and until when. Null without a pin. */
      pinned: z.string().nullable(),
      /** What `--instances` says: `running`, `terminated`, `not listed`. Null without it. */
      instance: z.string().nullable(),
      problem: z.string().nullable(),
    }),
  ),
  summary: z.looseObject({
    /** Objects below `status/hosts/`. */
    hosts: z.int(),
    /** Hosts that meet every `--where`. */
    matching: z.int(),
    /** Entries of `hosts`: those that `--failed`, `--stale` and `--older-than` leave. */
    listed: z.int(),
    /** Matching hosts by `run.status`; `none` before the first run. */
    runs: z.record(z.string(), z.int()),
    stale: z.int(),
    /** Hosts whose EC2 instance is terminated. They are not stale, and not bad for a gate. */
    terminated: z.int(),
    unreadable: z.looseObject({
      total: z.int(),
      /** The first 20 of them. */
      first: z.array(
        z.looseObject({ certname: z.string(), kind: z.string(), problem: z.string() }),
      ),
    }),
    /** What `--fail-over` found; `hosts` and `bad` include unreadable ones. Null without it. */
    gate: z
      .looseObject({ limit: z.string(), hosts: z.int(), bad: z.int(), passed: z.boolean() })
      .nullable(),
    /**
     * Facts that a `--where` names and that some hosts of the copy of `mm fleet` lack: such a host
     * does not match, whatever the fact is. Always empty for `mm status`, which reads all facts.
     */
    missingFacts: z.array(z.looseObject({ field: z.string(), hosts: z.int(), of: z.int() })),
  }),
});
export type StatusListAnswer = z.infer<typeof StatusListAnswer>;

/** `mm forget`. */
export const ForgetAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['forgotten', 'noop']),
  hosts: z.array(
    z.looseObject({
      certname: z.string(),
      /** When S3 received its status, or else its facts. Null when it had neither. */
      reportedAt: Instant.nullable(),
      ageSeconds: z.int().nullable(),
      /** Null when its status could not be read. */
      environment: z.string().nullable(),
      /** How its last run ended. Null before the first run. */
      run: z.string().nullable(),
      /** Object keys that were removed; with `--noop` those that would be removed. */
      objects: z.array(z.string()),
    }),
  ),
});
export type ForgetAnswer = z.infer<typeof ForgetAnswer>;
