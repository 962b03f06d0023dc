import { z } from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../bucket/documents/names.ts';
import { Proposed, ReleaseAnswer, Tree } from './answers.ts';

/* The `--json` documents of the commands that move releases, under the rules of `answers.ts`. */

/** What `mm promote`, `rollback`, `rollout`, `hold`, `stop` or `resume` changed. */
export const MoveAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['committed', 'proposed', 'unchanged', 'noop']),
  action: z.enum(['promote', 'rollback', 'rollout', 'step', 'halt', 'hold', 'stop', 'resume']),
  environment: EnvironmentName,
  /** Of `promote`: the environment that the release comes from. */
  from: z.string().nullable(),
  /** What changes, for people. */
  changes: z.array(z.string()),
  /** What the environment offers afterwards. Null when it offers nothing. */
  current: ReleaseAnswer.nullable(),
  /** During a rollout: what some of the hosts get. */
  next: ReleaseAnswer.nullable(),
  /** What it offered before. */
  previous: ReleaseAnswer.nullable(),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  ...Proposed,
  /** Role to the number of signatures that it still needs. */
  missing: z.record(z.string(), z.int()),
  /** Version of each role as a new host reads it from the bucket. Null when nothing was written. */
  versions: z.record(z.string(), z.int()).nullable(),
  expires: z.record(z.string(), Instant).nullable(),
});
export type MoveAnswer = z.infer<typeof MoveAnswer>;

const SignedBy = z.array(z.looseObject({ keyId: z.string(), name: z.string() }));

/** `mm log`: two lists, each newest first; together not longer than `--limit`. */
export const LogAnswer = z.looseObject({
  ...Tree,
  entries: z.array(
    z.looseObject({
      environment: z.string(),
      /** The command: `publish`, `promote`, `step` and so on; later versions add others. */
      action: z.string(),
      at: Instant,
      /** The name that the publisher gave itself. */
      by: z.string(),
      reason: z.string(),
      /** Of `promote`: the environment that the release came from. */
      from: z.string().nullable(),
      /** The release that hosts got, and whether they were held or stopped. */
      release: ReleaseAnswer,
      /** During a rollout: what some of the hosts got, and which of them. */
      next: ReleaseAnswer.nullable(),
      hosts: z.string().nullable(),
      /** The version of the role that says so, and the keys that signed it. */
      roleVersion: z.int(),
      signedBy: SignedBy,
    }),
  ),
  /** Changes of binaries. Empty when the log of one environment is asked for. */
  binaries: z.array(
    z.looseObject({
      action: z.enum(['put', 'replace', 'remove']),
      name: z.string(),
      sha256: Sha256,
      at: Instant,
      by: z.string(),
      reason: z.string(),
      roleVersion: z.int(),
      signedBy: SignedBy,
    }),
  ),
});
export type LogAnswer = z.infer<typeof LogAnswer>;

/** `mm rollout status`. */
export const RolloutStatusAnswer = z.looseObject({
  ...Tree,
  environment: EnvironmentName,
  /** The release that is rolled out; without a rollout the current one. Null before the first. */
  release: ReleaseAnswer.nullable(),
  /** What all other hosts get. Its hold or stop counts for the whole environment. */
  current: ReleaseAnswer.nullable(),
  /** The signed fields of the rollout. Null without a rollout. */
  rollout: z.looseObject({ salt: z.string(), bp: z.int(), groups: z.array(z.string()) }).nullable(),
  /** Numbers of hosts, by the last status of each. */
  counts: z.looseObject({
    done: z.int(),
    waiting: z.int(),
    failing: z.int(),
    /** Hosts that the rollout does not reach yet. */
    outside: z.int(),
    /** Objects that are not a valid status. */
    unreadable: z.int(),
  }),
  /** Of the hosts that ran it. */
  failingPercent: z.number(),
  /** At most 50 of each. */
  waiting: z.array(z.looseObject({ certname: z.string(), why: z.string() })),
  failing: z.array(z.looseObject({ certname: z.string(), why: z.string() })),
});
export type RolloutStatusAnswer = z.infer<typeof RolloutStatusAnswer>;
