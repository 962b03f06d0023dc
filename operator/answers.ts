import { z } from 'zod';
import { EnvironmentName, Instant, Sha256, TreeName } from '../bucket/documents/names.ts';

/*
 * The documents of `--json`. They are stable: fields are only added, `schemaVersion` changes on a break.
 */

const Tree = { schemaVersion: z.literal(1), bucket: z.string(), tree: TreeName };

/** A release as an environment's role names it. */
export const ReleaseAnswer = z.looseObject({
  version: z.string(),
  /** Identifies the publication. */
  release: z.string(),
  sha256: Sha256,
  /** Bytes of the tarball. */
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
  /** Signing keys; `safe` belongs into a safe. Null with `--noop`. */
  keys: z.looseObject({ operator: z.string(), safe: z.string() }),
  /** Object keys, in the order in which they are written. */
  objects: z.array(z.string()),
  /** What /etc/miyamoto/agent.yaml should say. */
  agentConfig: z.string(),
  /** Per role, ISO 8601; null with `--noop`. */
  expires: z.record(z.string(), Instant).nullable(),
});
export type InitAnswer = z.infer<typeof InitAnswer>;

export const PublishAnswer = z.looseObject({
  ...Tree,
  /** `renewed`: the same release, signed anew because a signature would lapse soon. */
  outcome: z.enum(['published', 'renewed', 'unchanged', 'noop', 'proposed']),
  environment: EnvironmentName,
  release: ReleaseAnswer,
  /** What the environment had before; null: nothing. */
  previous: ReleaseAnswer.nullable(),
  /** Object keys, in the order in which they are written. */
  objects: z.array(z.string()),
  /** Version per role, as a fresh client reads them from the bucket; null when nothing was written. */
  versions: z.record(z.string(), z.int()).nullable(),
  expires: z.record(z.string(), Instant).nullable(),
  /** Above 1: other publishers were first. */
  attempts: z.int(),
  /** The file for others to sign, when one was written. */
  proposal: z.string().nullable(),
});
export type PublishAnswer = z.infer<typeof PublishAnswer>;

export const EnvironmentAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['added', 'unchanged', 'noop']),
  environment: EnvironmentName,
  /** The environment whose keys may publish here as well. */
  like: EnvironmentName,
  objects: z.array(z.string()),
});
export type EnvironmentAnswer = z.infer<typeof EnvironmentAnswer>;

export const ReleasesAnswer = z.looseObject({
  ...Tree,
  environments: z.array(
    z.looseObject({
      environment: EnvironmentName,
      /** The role's version; null when nobody is delegated for the environment. */
      roleVersion: z.int().nullable(),
      current: ReleaseAnswer.nullable(),
      next: ReleaseAnswer.nullable(),
      /** Newest first, without `current`; only when one environment was asked for. */
      history: z.array(z.looseObject({ roleVersion: z.int(), release: ReleaseAnswer })),
    }),
  ),
  expires: z.record(z.string(), Instant),
});
export type ReleasesAnswer = z.infer<typeof ReleasesAnswer>;

/** One line per host; `mm status <certname>` answers with the status document itself. */
export const StatusListAnswer = z.looseObject({
  ...Tree,
  hosts: z.array(
    z.looseObject({
      /** As the object key says. */
      certname: z.string(),
      /** When S3 got the object. */
      receivedAt: Instant,
      /** Null when the object cannot be read as a status document: `problem` says why. */
      environment: z.string().nullable(),
      version: z.string().nullable(),
      run: z.string().nullable(),
      trust: z.string().nullable(),
      problem: z.string().nullable(),
    }),
  ),
});
export type StatusListAnswer = z.infer<typeof StatusListAnswer>;

/** What `mm key rotate`, `mm key revoke`, `mm renew` and `mm root commit` did to the signed metadata. */
export const ChangeAnswer = z.looseObject({
  ...Tree,
  /** `proposed`: a file for others to sign; the bucket says what it said before. */
  outcome: z.enum(['committed', 'proposed', 'unchanged', 'noop']),
  /** In words. */
  changes: z.array(z.string()),
  /** Object keys, in the order in which they are written. */
  objects: z.array(z.string()),
  /** The file, when one was written. */
  proposal: z.string().nullable(),
  /** Signatures that roles still need. */
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
  changes: z.array(z.string()),
  /** Signatures that this command added. */
  added: z.array(z.looseObject({ role: z.string(), keyId: Sha256 })),
  /** Signatures that roles still need; empty: it can be committed. */
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
  /** As the signed metadata says; empty: it says none. */
  name: z.string(),
  /** `root`, `targets`, `online`, or an environment. */
  roles: z.array(z.string()),
  /** The key file at hand; null: none. */
  file: z.string().nullable(),
  /** How the key is held: `file`, `file without passphrase`, `ssh-agent`, `kms`, `command`; null: not at hand. */
  kind: z.string().nullable(),
});

const RoleAnswer = z.looseObject({
  role: z.string(),
  threshold: z.int(),
  keyIds: z.array(Sha256),
  /** Null for a role that has never been signed. */
  expires: Instant.nullable(),
  days: z.int().nullable(),
  /** With fewer days left it should be renewed. */
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
  /** The worst of the checks; `failed` comes with exit code 1. */
  outcome: z.enum(['ok', 'warning', 'failed']),
  checks: z.array(
    z.looseObject({
      name: z.string(),
      outcome: z.enum(['ok', 'warning', 'failed']),
      message: z.string(),
      next: z.string().nullable(),
    }),
  ),
  /** Null when the metadata could not be read. */
  keys: z.array(KeyAnswer).nullable(),
  roles: z.array(RoleAnswer).nullable(),
});
export type DoctorAnswer = z.infer<typeof DoctorAnswer>;

/** On stdout when a command fails with `--json`. */
export const ErrorAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  error: z.looseObject({
    /** Null for a defect of mm itself. */
    code: z.string().nullable(),
    message: z.string(),
    next: z.string().nullable(),
  }),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
