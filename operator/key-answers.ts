import { z } from 'zod';
import { Instant, Sha256, TreeName } from '../bucket/documents/names.ts';
import { Tree } from './answers.ts';

/*
 * What `mm key new`, `mm key list` and `mm doctor` print with `--json`. As all answers, these
 * documents are an API.
 */

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
  /** Environments, and patterns such as `dev_*`. Empty for the roles that root lists. */
  covers: z.array(z.string()),
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
