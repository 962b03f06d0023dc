import { z } from 'zod';
import { EnvironmentName } from '../bucket/documents/names.ts';
import { RunSummary } from '../bucket/documents/status.ts';
import { GatesAnswer, ReleaseAnswer } from './answers.ts';
import { GateProblem } from './release/gates/problem.ts';

/*
 * The answers of the commands that work on this machine alone, under the rules of `answers.ts`.
 */

/** The files that a command read. */
export const LocalSource = z.looseObject({
  /** Null for the work tree, and for a directory. */
  ref: z.string().nullable(),
  /** Null when the files are not those of one commit. */
  commit: z.string().nullable(),
  /** Where the files are: the repository, or the directory that was given. */
  directory: z.string(),
});
export type LocalSource = z.infer<typeof LocalSource>;

/** The most findings that one answer lists. */
export const MAX_FINDINGS = 500;

/** A reason to refuse a release, or a warning about it. */
export const Finding = GateProblem.extend({
  /** Null when the tree as a whole has the problem. */
  path: z.string().nullable(),
  /** How Puppet reads the file; null when the finding is not about what Puppet reads. */
  kind: GateProblem.shape.kind.nullable(),
  code: z.enum(['RELEASE_INVALID', 'ARCHIVE_UNSAFE', 'ARCHIVE_TOO_LARGE']),
  next: z.string().nullable(),
});
export type Finding = z.infer<typeof Finding>;

export const ValidateAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  /** `invalid`: `mm publish` would refuse these files. */
  outcome: z.enum(['valid', 'invalid']),
  source: LocalSource,
  gates: GatesAnswer.omit({ warnings: true }),
  /** Number of all findings; the list below may end earlier. */
  count: z.int(),
  findings: z.array(Finding),
  /** Remarks on the source that are no reason to refuse it. */
  notices: z.array(z.string()),
});
export type ValidateAnswer = z.infer<typeof ValidateAnswer>;

export const CheckoutAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  /** The new directory. */
  directory: z.string(),
  environment: EnvironmentName,
  /** The release, verified by the signed metadata; null for files of this machine. */
  release: ReleaseAnswer.nullable(),
  /** The files of this machine; null for a release. */
  source: LocalSource.nullable(),
  /** Number of files and links. */
  entries: z.int(),
});
export type CheckoutAnswer = z.infer<typeof CheckoutAnswer>;

/** A run of Puppet by `mm apply`. */
export const ApplyRun = z.looseObject({
  environment: EnvironmentName,
  certname: z.string(),
  /** Why no run was started: the host is disabled. Null after a run. */
  disabled: z.string().nullable(),
  /** Version of Puppet; null without a run. */
  puppet: z.string().nullable(),
  /** As in the status of a host; null without a run. */
  run: RunSummary.nullable(),
  exitCode: z.int(),
});
export type ApplyRun = z.infer<typeof ApplyRun>;

export const ApplyAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  source: LocalSource,
  /** One for each environment. */
  runs: z.array(ApplyRun),
});
export type ApplyAnswer = z.infer<typeof ApplyAnswer>;

/** A value that counts for mm, and where it is from. */
export const SettingAnswer = z.looseObject({
  /** As in miyamoto.yaml, where the value can stand there. */
  key: z.string(),
  /** Null: not set. Secrets are hidden. */
  value: z.unknown(),
  from: z.enum(['default', 'file', 'environment', 'aws', 'option', 'git']),
  /** The option, `file:line`, the name of a variable, or a remark. */
  place: z.string().nullable(),
});
export type SettingAnswer = z.infer<typeof SettingAnswer>;

export const ConfigAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  file: z.string(),
  settings: z.array(SettingAnswer),
});
export type ConfigAnswer = z.infer<typeof ConfigAnswer>;
