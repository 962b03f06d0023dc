import { z } from 'zod';
import { EnvironmentName, Instant, Sha256, TreeName } from '../bucket/documents/names.ts';
import { DiffAnswer } from './diff-answer.ts';
import { Handover } from './proposals/handover.ts';
import { GateProblem } from './release/gates/problem.ts';

/*
 * The documents that `--json` prints. They are an API: new fields may be added, and an incompatible
 * change raises `schemaVersion`.
 */

/** The fields that every answer about a tree has. */
export const Tree = { schemaVersion: z.literal(1), bucket: z.string(), tree: TreeName };

/** A release, as the signed metadata of its environment describes it. */
export const ReleaseAnswer = z.looseObject({
  version: z.string(),
  /** Id of this publication. */
  release: z.string(),
  sha256: Sha256,
  /** Size of the tarball in bytes. */
  length: z.int(),
  commit: z.string().nullable(),
  /** The branch that an environment of a class is made from. */
  branch: z.string().nullable(),
  created: Instant,
  by: z.string(),
  reason: z.string(),
  hold: z.boolean(),
  stop: z.boolean(),
  /** Who asked for the hold or the stop. Null without a hold or a stop. */
  pause: z.looseObject({ by: z.string(), at: Instant, reason: z.string() }).nullable(),
  /** Hosts with an older agent keep what they have. No mm sets it, and mm publish removes it. */
  minAgent: z.string().nullable(),
});
export type ReleaseAnswer = z.infer<typeof ReleaseAnswer>;

/** A key of the `config.json` of the original Miyamoto. */
export const ConvertedKey = z.looseObject({
  key: z.string(),
  value: z.string(),
  /** The key in miyamoto.yaml; null when it has no counterpart. */
  became: z.string().nullable(),
  why: z.string(),
});
export type ConvertedKey = z.infer<typeof ConvertedKey>;

/** The fields of an answer that can be a proposal. */
export const Proposed = {
  /** Path of the file for the other signers. Null when none was written. */
  proposal: z.string().nullable(),
  /** Null without a proposal. */
  handover: Handover.nullable().optional(),
};

export const InitAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['initialized', 'noop']),
  treeId: z.string(),
  configFile: z.string(),
  rootFile: z.string(),
  /** Paths of the new signing keys. Keep `safe` offline. */
  keys: z.looseObject({ operator: z.string(), safe: z.string() }),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  /** Content for /etc/miyamoto/agent.yaml on the hosts. */
  agentConfig: z.string(),
  /** Expiry of each role, ISO 8601. Null with `--noop`. */
  expires: z.record(z.string(), Instant).nullable(),
  /** With `--from`: what each key of that file became. */
  converted: z.array(ConvertedKey).optional(),
});
export type InitAnswer = z.infer<typeof InitAnswer>;

export const GatesAnswer = z.looseObject({
  /** Files that Puppet would load, and how many of them were checked by this command. */
  loaded: z.int(),
  checked: z.int(),
  /** Versions of the programs. Null when no program was needed or found. */
  tools: z
    .looseObject({ puppet: z.string(), ruby: z.string(), lint: z.string().nullable() })
    .nullable(),
  /** What was not checked, and why. */
  skipped: z.array(z.string()),
  warnings: z.array(GateProblem),
});
export type GatesAnswer = z.infer<typeof GatesAnswer>;

export const PublishAnswer = z.looseObject({
  ...Tree,
  /** `renewed`: the same release, signed again because a signature would expire soon. */
  outcome: z.enum(['published', 'renewed', 'unchanged', 'noop', 'proposed']),
  environment: EnvironmentName,
  release: ReleaseAnswer,
  /** The release that this one replaces. Null for the first release. */
  previous: ReleaseAnswer.nullable(),
  /** Null when nothing was published, and with `--no-validate`. */
  gates: GatesAnswer.nullable(),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  /** Version of each role as a new host reads it from the bucket. Null when nothing was written. */
  versions: z.record(z.string(), z.int()).nullable(),
  expires: z.record(z.string(), Instant).nullable(),
  /** Above 1 when other publishers committed first and mm tried again. */
  attempts: z.int(),
  ...Proposed,
  /** What `--preview` showed; left out without it. */
  preview: DiffAnswer.optional(),
});
export type PublishAnswer = z.infer<typeof PublishAnswer>;

export const EnvironmentAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['added', 'proposed', 'unchanged', 'noop']),
  /** Name of the environment, or of a class such as `feature_*`. */
  environment: z.string(),
  /** The environment whose keys may also publish the new one. */
  like: EnvironmentName,
  objects: z.array(z.string()),
  ...Proposed,
  /** Signatures that roles of the proposal still need. */
  missing: z.record(z.string(), z.int()),
});
export type EnvironmentAnswer = z.infer<typeof EnvironmentAnswer>;

export const PruneAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['pruned', 'proposed', 'unchanged', 'noop']),
  /** Environments whose branch is gone. */
  gone: z.array(z.looseObject({ environment: EnvironmentName, branch: z.string() })),
  objects: z.array(z.string()),
  ...Proposed,
  missing: z.record(z.string(), z.int()),
});
export type PruneAnswer = z.infer<typeof PruneAnswer>;

export const ReleasesAnswer = z.looseObject({
  ...Tree,
  environments: z.array(
    z.looseObject({
      environment: EnvironmentName,
      /** Version of the role. Null when no role is delegated for the environment. */
      roleVersion: z.int().nullable(),
      current: ReleaseAnswer.nullable(),
      next: ReleaseAnswer.nullable(),
      /** Why hosts refuse what is signed; its releases are null then. Null when they accept it. */
      refused: z.string().nullable(),
      /** Earlier releases, newest first. Filled when the command names one environment. */
      history: z.array(z.looseObject({ roleVersion: z.int(), release: ReleaseAnswer })),
    }),
  ),
  expires: z.record(z.string(), Instant),
});
export type ReleasesAnswer = z.infer<typeof ReleasesAnswer>;

/** What `mm key rotate`, `mm key revoke`, `mm renew` or `mm root commit` changed. */
export const ChangeAnswer = z.looseObject({
  ...Tree,
  /** `proposed`: a file for the other signers was written; the bucket is unchanged. */
  outcome: z.enum(['committed', 'proposed', 'unchanged', 'noop']),
  /** One sentence per change. */
  changes: z.array(z.string()),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  ...Proposed,
  /** Role to the number of signatures that it still needs. */
  missing: z.record(z.string(), z.int()),
  versions: z.record(z.string(), z.int()).nullable(),
  expires: z.record(z.string(), Instant).nullable(),
});
export type ChangeAnswer = z.infer<typeof ChangeAnswer>;

/** `mm root sign`. */
export const SignAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['signed', 'unchanged', 'noop']),
  proposal: z.string(),
  /** One line for each environment that changes: `stable 0.1.0 -> 0.1.1`. */
  summary: z.array(z.string()).optional(),
  /** A longer summary of `diff`, for people. */
  changes: z.array(z.string()),
  /** Every value that is signed and that is not in the bucket now. */
  diff: z.array(
    z.looseObject({
      role: z.string(),
      /** Names and list indexes: `targets["stable/current"].hashes.sha256`. */
      path: z.string(),
      /** JSON text. Null when the value is removed. */
      now: z.string().nullable(),
      /** JSON text. Null when there was no value. */
      was: z.string().nullable(),
    }),
  ),
  /** The new releases, and whether the commit gives the same tarball in this clone. */
  rebuilt: z.array(
    z.looseObject({
      /** `stable/current` */
      path: z.string(),
      outcome: z.enum(['same', 'not-compared']),
      commit: z.string().nullable(),
      sha256: Sha256,
    }),
  ),
  /** The new binaries, and whether a file of `--binary` is the same. */
  binaries: z.array(
    z.looseObject({
      name: z.string(),
      outcome: z.enum(['same', 'not-compared']),
      sha256: Sha256,
      /** Bytes. */
      length: z.int(),
    }),
  ),
  /** The signatures that this command added. */
  added: z.array(z.looseObject({ role: z.string(), keyId: Sha256 })),
  /** Role to the number of signatures that it still needs. Empty: `mm root commit` can run. */
  missing: z.record(z.string(), z.int()),
  handover: Handover.optional(),
});
export type SignAnswer = z.infer<typeof SignAnswer>;

/** `mm policy`. */
export const PolicyAnswer = z.looseObject({
  ...Tree,
  of: z.enum(['machine', 'publisher', 'reader', 'reporter', 'cleaner']),
  /** How hosts get their credentials. Null for people and jobs. */
  credentials: z.enum(['shared-user', 'ec2', 'roles-anywhere']).nullable(),
  /** The IAM policy, in the form of AWS. Without `--json` only this is printed. */
  policy: z.record(z.string(), z.unknown()),
});
export type PolicyAnswer = z.infer<typeof PolicyAnswer>;

/** Printed on stdout when a command with `--json` fails. */
export const ErrorAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  error: z.looseObject({
    /** Null for an unexpected error: a defect of mm. */
    code: z.string().nullable(),
    message: z.string(),
    next: z.string().nullable(),
    /** When files of a release are refused. */
    problems: z.array(GateProblem).optional(),
  }),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
