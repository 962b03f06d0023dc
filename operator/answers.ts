import { z } from 'zod';
import { EnvironmentName, Instant, Sha256, TreeName } from '../bucket/documents/names.ts';

/*
 * The documents that `--json` prints. They are an API: new fields may be added. A change that would
 * break a reader changes `schemaVersion`.
 */

const Tree = { schemaVersion: z.literal(1), bucket: z.string(), tree: TreeName };

/** A release as the signed metadata of its environment names it. */
export const ReleaseAnswer = z.looseObject({
  version: z.string(),
  /** Id of this publication. */
  release: z.string(),
  sha256: Sha256,
  /** Size of the tarball in bytes. */
  length: z.int(),
  commit: z.string().nullable(),
  created: Instant,
  by: z.string(),
  reason: z.string(),
  hold: z.boolean(),
  stop: z.boolean(),
});
export type ReleaseAnswer = z.infer<typeof ReleaseAnswer>;

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
});
export type InitAnswer = z.infer<typeof InitAnswer>;

export const PublishAnswer = z.looseObject({
  ...Tree,
  /** `renewed`: the same release, signed again because a signature would expire soon. */
  outcome: z.enum(['published', 'renewed', 'unchanged', 'noop', 'proposed']),
  environment: EnvironmentName,
  release: ReleaseAnswer,
  /** The release that this one replaces. Null for the first release. */
  previous: ReleaseAnswer.nullable(),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  /** Version of each role as a new host reads it from the bucket. Null when nothing was written. */
  versions: z.record(z.string(), z.int()).nullable(),
  expires: z.record(z.string(), Instant).nullable(),
  /** Above 1 when other publishers committed first and this one had to try again. */
  attempts: z.int(),
  /** Path of the file for the other signers, when one was written. */
  proposal: z.string().nullable(),
});
export type PublishAnswer = z.infer<typeof PublishAnswer>;

export const EnvironmentAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['added', 'proposed', 'unchanged', 'noop']),
  environment: EnvironmentName,
  /** The keys of this environment may publish the new one. */
  like: EnvironmentName,
  objects: z.array(z.string()),
  /** The file for others to sign, when one was written. */
  proposal: z.string().nullable(),
  /** Signatures that roles of the proposal still need. */
  missing: z.record(z.string(), z.int()),
});
export type EnvironmentAnswer = z.infer<typeof EnvironmentAnswer>;

export const ReleasesAnswer = z.looseObject({
  ...Tree,
  environments: z.array(
    z.looseObject({
      environment: EnvironmentName,
      /** Version of the role. Null when no role is delegated for the environment. */
      roleVersion: z.int().nullable(),
      current: ReleaseAnswer.nullable(),
      next: ReleaseAnswer.nullable(),
      /** Earlier releases, newest first. Filled when the command names one environment. */
      history: z.array(z.looseObject({ roleVersion: z.int(), release: ReleaseAnswer })),
    }),
  ),
  expires: z.record(z.string(), Instant),
});
export type ReleasesAnswer = z.infer<typeof ReleasesAnswer>;

/** One line for each host. `mm status <certname>` prints the host's status document itself. */
export const StatusListAnswer = z.looseObject({
  ...Tree,
  hosts: z.array(
    z.looseObject({
      /** From the object key. */
      certname: z.string(),
      /** When S3 received the object. */
      receivedAt: Instant,
      /** Null when the object is not a valid status document; `problem` says why. */
      environment: z.string().nullable(),
      version: z.string().nullable(),
      run: z.string().nullable(),
      trust: z.string().nullable(),
      problem: z.string().nullable(),
    }),
  ),
});
export type StatusListAnswer = z.infer<typeof StatusListAnswer>;

/** What `mm key rotate`, `mm key revoke`, `mm renew` or `mm root commit` changed. */
export const ChangeAnswer = z.looseObject({
  ...Tree,
  /** `proposed`: a file for the other signers was written; the bucket is unchanged. */
  outcome: z.enum(['committed', 'proposed', 'unchanged', 'noop']),
  /** One sentence for each change. */
  changes: z.array(z.string()),
  /** Object keys in the order of writing. */
  objects: z.array(z.string()),
  /** Path of the proposal, when one was written. */
  proposal: z.string().nullable(),
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
  /** A summary of `diff`, for people. */
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
  /** The signatures that this command added. */
  added: z.array(z.looseObject({ role: z.string(), keyId: Sha256 })),
  /** Role to the number of signatures that it still needs. Empty: `mm root commit` can run. */
  missing: z.record(z.string(), z.int()),
});
export type SignAnswer = z.infer<typeof SignAnswer>;

export const KeyNewAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  outcome: z.enum(['made', 'noop']),
  tree: TreeName,
  name: z.string(),
  file: z.string(),
  kind: z.string(),
  /** Null with `--noop`. */
  keyId: Sha256.nullable(),
});
export type KeyNewAnswer = z.infer<typeof KeyNewAnswer>;

const KeyAnswer = z.looseObject({
  keyId: Sha256,
  /** The name in the signed metadata; empty when it has none. */
  name: z.string(),
  /** `root`, `targets`, `online` or names of environments. */
  roles: z.array(z.string()),
  /** Path of the key file. Null when this machine does not have the key. */
  file: z.string().nullable(),
  /** Where the key is: `file`, `file without passphrase`, `ssh-agent`, `kms`, `command` or null. */
  kind: z.string().nullable(),
});

const RoleAnswer = z.looseObject({
  role: z.string(),
  threshold: z.int(),
  keyIds: z.array(Sha256),
  /** Null for a role that was never signed. */
  expires: Instant.nullable(),
  days: z.int().nullable(),
  /** The role should be renewed when fewer days than this are left. */
  renewBelowDays: z.int(),
});

export const KeyListAnswer = z.looseObject({
  ...Tree,
  keys: z.array(KeyAnswer),
  roles: z.array(RoleAnswer),
});
export type KeyListAnswer = z.infer<typeof KeyListAnswer>;

export const DoctorAnswer = z.looseObject({
  ...Tree,
  /** The worst result of all checks. With `failed` the exit code is 1. */
  outcome: z.enum(['ok', 'warning', 'failed']),
  checks: z.array(
    z.looseObject({
      name: z.string(),
      outcome: z.enum(['ok', 'warning', 'failed']),
      message: z.string(),
      next: z.string().nullable(),
    }),
  ),
  /** Null when the signed metadata could not be read. */
  keys: z.array(KeyAnswer).nullable(),
  roles: z.array(RoleAnswer).nullable(),
});
export type DoctorAnswer = z.infer<typeof DoctorAnswer>;

/** Printed on stdout when a command with `--json` fails. */
export const ErrorAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  error: z.looseObject({
    /** Null for an unexpected error: a defect of mm. */
    code: z.string().nullable(),
    message: z.string(),
    next: z.string().nullable(),
  }),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
