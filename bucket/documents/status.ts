import * as z from 'zod';
import { Certname, EnvironmentName, Instant, Sha256, TreeName } from './names.ts';

/**
 * The status document, `<tree>/status/hosts/<certname>.json`: one line of JSON, about 1 to 2 kB,
 * overwritten by the host. Any host may write anything under its own key, so readers treat it as
 * hostile input. Writers only add fields; `schemaVersion` changes on a break.
 */
export const RunStatus = z.enum([
  /** Nothing had to change. */
  'unchanged',
  /** Puppet changed something. */
  'changed',
  /** Noop run, and something would have changed. */
  'pending',
  /** At least one resource failed, or Puppet ended without a report. */
  'failed',
  /** No catalog: a syntax error, a missing class, Hiera data that does not fit. */
  'not-compiled',
  /** The time limit, the agent or another process ended the run. */
  'killed',
  /** No run: disabled, stopped, or nothing to apply. */
  'skipped',
]);
export type RunStatus = z.infer<typeof RunStatus>;

export const FailedResource = z.looseObject({
  resource: z.string().max(300),
  message: z.string().max(500),
  file: z.string().max(500).nullable(),
  line: z.int().nullable(),
});
export type FailedResource = z.infer<typeof FailedResource>;

export const RunSummary = z.looseObject({
  id: z.string().max(64),
  status: RunStatus,
  /** Why it ran, or why it was skipped, for people. */
  reason: z.string().max(500),
  noop: z.boolean(),
  /** Puppet's exit code; null when a signal ended it, or when it did not run. */
  exitCode: z.int().nullable(),
  /**
   * Who ended a run that was killed: its time limit, the agent when it was stopped, or another
   * process.
   */
  killedBy: z.enum(['time-limit', 'stopped', 'foreign']).optional(),
  startedAt: Instant,
  durationSeconds: z.number().min(0),
  /** Counts from the metrics of Puppet's report; null without a report. */
  resources: z
    .looseObject({
      total: z.int(),
      changed: z.int(),
      failed: z.int(),
      skipped: z.int(),
      outOfSync: z.int(),
      restarted: z.int(),
      /** Changes that undo a change made outside of Puppet: drift. */
      corrective: z.int(),
    })
    .nullable(),
  failedResources: z.array(FailedResource).max(20),
  /**
   * Titles like `File[/etc/motd]`, capped; `changedResourcesTotal` says how many. Of `pending`:
   * what would change.
   */
  changedResources: z.array(z.string().max(300)).max(20),
  changedResourcesTotal: z.int(),
  /** The first error of a run that did not compile, was killed or left no report. */
  error: z.string().max(2000).nullable(),
  /** The code of that error, for a run that was not begun, or that the disk or the host failed. */
  errorCode: z.string().max(64).optional(),
  /** Logged errors that belong to no failed resource. Left out when empty. */
  errors: z.int().min(0).optional(),
  /** Parts of the report or the facts that could not be read. They do not change `status`. */
  problems: z.array(z.string().max(500)).max(10).optional(),
});
export type RunSummary = z.infer<typeof RunSummary>;

/** A program of `hooks.d` that failed. */
export const HookFailure = z.looseObject({
  /** The directory, for example `post-run`. */
  stage: z.string().max(32),
  name: z.string().max(100),
  /** A sentence. */
  why: z.string().max(300),
  /** The end of what it printed. Left out when empty. */
  output: z.string().max(300).optional(),
});
export type HookFailure = z.infer<typeof HookFailure>;

/** A property that Puppet changes to the same value in each run. */
export const Fight = z.looseObject({
  resource: z.string().max(300),
  property: z.string().max(100),
  /** Its value before the last run, and what Puppet sets. Sensitive values are not in it. */
  previous: z.string().max(100),
  desired: z.string().max(100),
  /** Runs in a row. */
  runs: z.int(),
  /** The start of the first of them. */
  since: Instant,
});
export type Fight = z.infer<typeof Fight>;

/** A release that does not compile on this host, or fails where the last good one did not. */
export const BadRelease = z.looseObject({
  version: z.string().max(64),
  sha256: Sha256,
  /** `not-compiled` or `failed`. */
  outcome: z.string().max(32),
  runId: z.string().max(64),
  exitCode: z.int().nullable(),
  /** The first errors of that run. */
  errors: z.array(z.string().max(300)).max(3),
  at: Instant,
  /**
   * The signed file that offered it, `7.env-stable.json`. The release is tried again when a later
   * file offers it. Missing when no metadata was verified in that cycle.
   */
  offeredBy: z.string().max(300).optional(),
});
export type BadRelease = z.infer<typeof BadRelease>;

/** A slow fact. The time is its own, without that of the facts that it needed. */
export const SlowFact = z.looseObject({ name: z.string().max(200), seconds: z.number().min(0) });
export type SlowFact = z.infer<typeof SlowFact>;

export const ActiveRelease = z.looseObject({
  version: z.string().max(64),
  release: z.string().max(100),
  sha256: Sha256,
  commit: z.string().max(64).nullable(),
  activatedAt: Instant,
});
export type ActiveRelease = z.infer<typeof ActiveRelease>;

export const StatusDocument = z.looseObject({
  schemaVersion: z.literal(1),
  certname: Certname,
  tree: TreeName,
  environment: EnvironmentName,
  groups: z.array(z.string().max(100)).max(100),
  /** Distinguishes machines: a digest of the ids of the machine. Null when it has no ids. */
  hostId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .nullable()
    .optional(),
  /** Another machine writes this object, too. Left out when nothing was seen for seven days. */
  otherWriter: z.looseObject({ times: z.int(), lastAt: Instant }).optional(),
  versions: z.looseObject({
    agent: z.string().max(64),
    node: z.string().max(64),
    puppet: z.string().max(64).nullable(),
    facter: z.string().max(64).nullable(),
  }),
  writtenAt: Instant,
  /** What is active; null before the first release. */
  release: ActiveRelease.nullable(),
  /** What is offered but not active, and why, for people. */
  offered: z
    .looseObject({
      version: z.string().max(64),
      sha256: Sha256,
      why: z.string().max(500),
    })
    .nullable(),
  trust: z.looseObject({
    /**
     * `ok`, `held`, `stopped`, `agent-too-old`, `schema-too-new`, `metadata-expired:<role>`, or
     * `error`.
     */
    state: z.string().max(100),
    /**
     * Why a host installs nothing new, or runs nothing. Left out with an error, and mostly with
     * `ok`.
     */
    why: z.string().max(1000).optional(),
    /** The error that ended the last refresh; null when it was good. */
    error: z.looseObject({ code: z.string().max(64), message: z.string().max(1000) }).nullable(),
    /** Version per role. */
    versions: z.record(z.string(), z.int()),
    /** Whole days to expiry per role; negative once expired. */
    daysToExpiry: z.record(z.string(), z.int()),
    /** Host clock minus S3's, seconds; null before the first answer. */
    clockOffsetSeconds: z.int().nullable(),
  }),
  /** The last run; null before the first. */
  run: RunSummary.nullable(),
  /** Hooks of the last run that failed. Left out when none did. */
  hooks: z.array(HookFailure).max(10).optional(),
  /** Properties that something else changes back, three runs in a row. Left out when empty. */
  fights: z.array(Fight).max(10).optional(),
  /** Releases that are bad on this host, the last one first. Left out when empty. */
  bad: z.array(BadRelease).max(5).optional(),
  /** The last run failed: when it is tried again. Left out after a good run. */
  retry: z
    .looseObject({
      /** The number of the next try. */
      try: z.int(),
      of: z.int(),
      /** Null when all tries have failed. */
      at: Instant.nullable(),
    })
    .optional(),
  /** `apply_window` was closed when this was written; left out when it was open. */
  window: z
    .looseObject({
      /** Null when it does not open again. */
      opensAt: Instant.nullable(),
      why: z.string().max(500),
    })
    .optional(),
  /** `mm-agent pin`: what the host follows for a time. Left out without a pin. */
  pin: z
    .looseObject({
      /** In place of the one in its configuration; null: it stays on a release. */
      environment: EnvironmentName.nullable(),
      /** The label of the release that it stays on. */
      release: z.string().max(64).nullable(),
      until: Instant,
      reason: z.string().max(500).nullable(),
      by: z.string().max(200).nullable(),
    })
    .optional(),
  /** A run waits for better conditions (`defer_on`). Left out when none does. */
  deferred: z.looseObject({ since: Instant, until: Instant, why: z.string().max(500) }).optional(),
  times: z.looseObject({
    lastCheckAt: Instant.nullable(),
    lastDownloadAt: Instant.nullable(),
    lastActivationAt: Instant.nullable(),
    lastRunAt: Instant.nullable(),
    lastSuccessAt: Instant.nullable(),
    /** After this the host is late: two heartbeats. */
    nextExpectedAt: Instant,
  }),
  disabled: z
    .looseObject({
      reason: z.string().max(500),
      by: z.string().max(200).nullable(),
      until: Instant.nullable(),
    })
    .nullable(),
  /**
   * Runs done and skipped since the last upload that worked. `failed`: those of them that failed;
   * left out when none did. `run` has only the last one.
   */
  offline: z.looseObject({ runs: z.int(), skipped: z.int(), failed: z.int().optional() }),
  vitals: z
    .looseObject({
      uptimeSeconds: z.int().nullable(),
      memoryUsedPercent: z.int().nullable(),
      rootDiskUsedPercent: z.int().nullable(),
      load1: z.number().nullable(),
      batteryPercent: z.int().nullable(),
    })
    .nullable(),
  /** The promoted facts (`facts.promote`): dotted path to value. */
  facts: z.record(z.string(), z.unknown()),
  /**
   * sha256 over the stable facts: identifies the facts object that belongs to it. Null before the
   * first run.
   */
  factsDigest: Sha256.nullable(),
  /** Facts of the last run that took a second or longer, the slowest first. */
  slowFacts: z.array(SlowFact).max(10).optional(),
});
export type StatusDocument = z.infer<typeof StatusDocument>;

/** The facts document, `<tree>/status/facts/<certname>.json`. */
export const FactsDocument = z.looseObject({
  schemaVersion: z.literal(1),
  certname: Certname,
  digest: Sha256,
  writtenAt: Instant,
  facts: z.record(z.string(), z.unknown()),
});
export type FactsDocument = z.infer<typeof FactsDocument>;
