import { z } from 'zod';
import { Instant } from '../../../bucket/documents/names.ts';
import { Tree } from '../../answers.ts';
import { PROBLEM_KINDS } from '../../fleet/problem-hosts.ts';
import { StatusListAnswer } from '../../status-answer.ts';

/* What `mm fleet` prints with `--json`, under the rules of `answers.ts`. */

export const FleetSyncAnswer = z.looseObject({
  ...Tree,
  /** `snapshot`: with `--snapshot`. */
  source: z.enum(['bucket', 'snapshot']),
  /** When the copy was last brought up to date from the statuses themselves. */
  syncedAt: Instant,
  /** Objects below `status/hosts/`. */
  hosts: z.int(),
  /** Objects that were new or had changed. */
  fetched: z.int(),
  /** Objects of the copy that cannot be used. */
  unreadable: z.int(),
  /** Of `fetched`: S3 did not give them. The copy keeps the last status that could be read. */
  refused: z.int(),
  gone: z.int(),
  requests: z.looseObject({ list: z.int(), get: z.int() }),
  /** List price of these requests in us-east-1. */
  dollars: z.number(),
  seconds: z.number(),
  /** Path of the store. */
  file: z.string(),
});
export type FleetSyncAnswer = z.infer<typeof FleetSyncAnswer>;

const Group = z.looseObject({ name: z.string(), hosts: z.int(), failed: z.int() });

export const FleetStatusAnswer = z.looseObject({
  ...Tree,
  /** When the last complete `mm fleet sync` ended. */
  syncedAt: Instant,
  summary: StatusListAnswer.shape.summary,
  disabled: z.int(),
  /** Matching hosts by active release, the largest group first. */
  releases: z.array(Group),
  environments: z.array(Group),
  /** A host counts in each of its groups. */
  groups: z.array(Group),
  /** The most frequent failures of last runs. */
  failures: z.array(z.looseObject({ failure: z.string(), hosts: z.int(), example: z.string() })),
});
export type FleetStatusAnswer = z.infer<typeof FleetStatusAnswer>;

export const FleetProblemsAnswer = z.looseObject({
  ...Tree,
  syncedAt: Instant,
  /** A host with several problems has several entries. */
  problems: z.array(
    z.looseObject({ certname: z.string(), kind: z.enum(PROBLEM_KINDS), note: z.string() }),
  ),
  summary: z.looseObject({
    hosts: z.int(),
    /** Hosts with one of these problems. */
    bad: z.int(),
    kinds: z.partialRecord(z.enum(PROBLEM_KINDS), z.int()),
    gate: z
      .looseObject({ limit: z.string(), hosts: z.int(), bad: z.int(), passed: z.boolean() })
      .nullable(),
  }),
});
export type FleetProblemsAnswer = z.infer<typeof FleetProblemsAnswer>;

export const FleetParquetAnswer = z.looseObject({
  ...Tree,
  syncedAt: Instant,
  columns: z.array(z.string()),
  rows: z.int(),
  bytes: z.int(),
  file: z.string(),
});
export type FleetParquetAnswer = z.infer<typeof FleetParquetAnswer>;

export const FleetAthenaAnswer = z.looseObject({
  ...Tree,
  database: z.string(),
  /** Statements that are run once, in this order. */
  setUp: z.array(z.string()),
  questions: z.array(z.looseObject({ words: z.string(), sql: z.string() })),
});
export type FleetAthenaAnswer = z.infer<typeof FleetAthenaAnswer>;

export const FleetPruneAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['pruned', 'noop', 'unchanged']),
  hosts: z.array(
    z.looseObject({
      certname: z.string(),
      /** When S3 received what is left of it. */
      reportedAt: Instant,
      ageSeconds: z.int(),
      /** Null when it has no status that can be read. */
      environment: z.string().nullable(),
      /** What `--instances` says. Null without it, and outside of EC2. */
      instance: z.string().nullable(),
      /** Object keys that were removed; with `--noop` those that would be removed. */
      objects: z.array(z.string()),
    }),
  ),
  /** Hosts that are as old and stay. */
  kept: z.looseObject({
    /** They reported within the time that they announced, or while this command ran. */
    reporting: z.int(),
    /** `--instances` does not say that their instance is terminated. */
    instance: z.int(),
  }),
});
export type FleetPruneAnswer = z.infer<typeof FleetPruneAnswer>;

export const FleetWhyAnswer = z.looseObject({
  ...Tree,
  certname: z.string(),
  resource: z.string(),
  outcome: z.enum(['failed', 'changed', 'not-reported']),
  run: z.looseObject({ status: z.string(), reason: z.string(), startedAt: Instant }).nullable(),
  version: z.string().nullable(),
  /** Null when it did not fail. */
  message: z.string().nullable(),
  file: z.string().nullable(),
  line: z.int().nullable(),
  /** Hosts on which it failed, this one included. */
  hostsFailing: z.int(),
});
export type FleetWhyAnswer = z.infer<typeof FleetWhyAnswer>;

export const FleetReportAnswer = z.looseObject({
  ...Tree,
  syncedAt: Instant,
  hosts: z.int(),
  /** Size of the file. */
  bytes: z.int(),
  /** Path of the report. */
  file: z.string(),
});
export type FleetReportAnswer = z.infer<typeof FleetReportAnswer>;

export const FleetSnapshotAnswer = z.looseObject({
  ...Tree,
  outcome: z.enum(['written', 'noop']),
  syncedAt: Instant,
  hosts: z.int(),
  /** What was written, in this order. */
  objects: z.array(z.looseObject({ key: z.string(), bytes: z.int() })),
});
export type FleetSnapshotAnswer = z.infer<typeof FleetSnapshotAnswer>;
