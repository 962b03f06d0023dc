import * as z from 'zod';
import { BucketName } from '../../bucket/documents/bucket-name.ts';
import { Certname, EnvironmentName, TreeName } from '../../bucket/documents/names.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import { duration } from '../../shared/duration.ts';
import { Hooks } from './hook-keys.ts';
import {
  ExtraArguments,
  HOST_FACTS,
  Overlay,
  Puppet,
  RequireFiles,
  RunEnvironment,
  RunEnvironmentFiles,
} from './host-keys.ts';
import { AbsolutePath } from './host-path.ts';
import {
  ApplyWindowKeys,
  DeferLimit,
  DeferOn,
  Jitter,
  Retry,
  Schedule,
  WaitForNetwork,
} from './when-keys.ts';

/*
 * agent.yaml and agent.d: this file has schema and defaults. sources.ts reads the files,
 * load-config.ts merges and checks them, and checked-config.ts keeps the result between cycles.
 */

const Group = z
  .string()
  .regex(/^[\w.:-]{1,100}$/, 'expected letters, digits, ".", ":", "_" and "-", at most 100');

const Tag = z
  .string()
  .regex(/^!?\w[\w:.-]{0,99}$/, 'expected a Puppet tag, for example "profile::ntp"');

const FactPath = z
  .string()
  .max(200)
  .regex(/^[^\s.]+(\.[^\s.]+)*$/, 'expected the dotted path of a fact, for example "os.family"');

/**
 * The name of a fact, of one of Facter's groups, or of a file in `facts.d`. Facter puts it into a
 * regular expression.
 */
const FacterName = z
  .string()
  .regex(
    /^\w[\w .@-]{0,99}$/,
    'expected the name of a fact, of a group of facts or of a file in facts.d',
  );

const Run = z.strictObject({
  time_limit: duration({ min: '1m', max: '1d' })
    .prefault('1h')
    .describe('A run that takes longer is ended.'),
  retry: Retry,
  jitter: Jitter,
  puppet: AbsolutePath.optional().describe(
    'The puppet program. Left out: `/opt/puppetlabs/bin/puppet`, `/usr/bin/puppet`, then the search path.',
  ),
  keep: z
    .int()
    .min(0)
    .max(1000)
    .default(20)
    .describe(
      'How many runs `mm-agent history` and `mm-agent log` can show. Of each, at most 1 MB of what Puppet printed stays on the host.',
    ),
  ruby_cache: z
    .boolean()
    .default(true)
    .describe('Keep compiled Ruby in the state directory. This makes runs cheaper.'),
  noop: z.boolean().default(false).describe('Show what would change, but change nothing.'),
  tags: z.array(Tag).max(100).default([]).describe('Apply only resources with one of these tags.'),
  fail_on_error_lines: z
    .boolean()
    .default(false)
    .describe('A run that logs errors counts as failed, even when no resource failed.'),
  extra_arguments: ExtraArguments,
  environment: RunEnvironment,
  environment_files: RunEnvironmentFiles,
});

/**
 * The facts that most questions about a fleet need, so that readers rarely need the facts
 * documents.
 */
const PROMOTED_FACTS = [
  'os.name',
  'os.family',
  'os.release.full',
  'os.distro.codename',
  'os.architecture',
  'kernel',
  'kernelrelease',
  'virtual',
  'processors.count',
  'memory.system.total_bytes',
  'dmi.manufacturer',
  'dmi.product.name',
  'networking.fqdn',
  'networking.ip',
  'networking.ip6',
  'timezone',
  'ec2_metadata.instance-id',
  'ec2_metadata.instance-type',
  'ec2_metadata.placement.availability-zone',
  'role',
];

const Facts = z.strictObject({
  ...HOST_FACTS,
  time_limit: duration({ min: '1s', max: '5m' })
    .prefault('10s')
    .describe('Limit for each program in `knob_scripts`.'),
  promote: z
    .array(FactPath)
    .max(100)
    .default(PROMOTED_FACTS)
    .describe('Facts that are in the status document as well. A list here replaces the default.'),
  deny: z
    .array(FactPath)
    .max(1000)
    .default([])
    .describe(
      'Facts that never leave the host, as dotted paths. User data of EC2 and Azure, and the attributes of an instance and of a project of Google, are always among them.',
    ),
  ttl: z
    .record(FacterName, duration({ min: '1m', max: '365d' }))
    .optional()
    .describe(
      "How long the value of a fact is used before it is resolved again, for example `{dmi: 7d, inventory.sh: 1h}`. Replaces entries of the same name in the host's own `facter.conf`.",
    ),
  block: z
    .array(FacterName)
    .max(1000)
    .default([])
    .describe(
      "Facts that are never resolved, in addition to those of the host's own `facter.conf`.",
    ),
  max_bytes: z
    .int()
    .min(1024)
    .max(16 * 1024 ** 2)
    .default(1024 ** 2)
    .describe(
      'The largest facts document in bytes. Markers replace the largest facts of one that is larger.',
    ),
});

const MODES = ['0700', '0711', '0755'] as const;

/** YAML reads 0755 as the number 755, and 0o755 as 493. */
const DirectoryMode = z
  .union([z.string(), z.number()])
  .transform((value) => {
    const isMeant = (mode: string) =>
      [Number(mode), Number.parseInt(mode, 8)].includes(Number(value));
    return MODES.find(isMeant) ?? String(value);
  })
  .pipe(z.enum(MODES));

const Releases = z.strictObject({
  mode: DirectoryMode.prefault('0700')
    .describe(
      'Mode of the directories above a release: `0711` or `0755` lets commands of other users read its files. See [agent.md](agent.md).',
    )
    .meta({ type: '"0700" or "0711" or "0755"' }),
  keep: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe(
      'How many releases stay on the disk. The active one and the last good one always stay.',
    ),
  max_tarball_bytes: z
    .int()
    .min(1024)
    .default(256 * 1024 ** 2)
    .describe('A larger tarball is not downloaded.'),
  max_bytes: z
    .int()
    .min(1024)
    .default(1024 ** 3)
    .describe('A release whose content is larger is refused.'),
  max_files: z
    .int()
    .min(1)
    .default(100_000)
    .describe('A release with more files, directories and links is refused.'),
});

/** `agent.yaml` with the keys of `agent.d/*.yaml`. */
export const Config = z.strictObject({
  bucket: BucketName.describe('The bucket, or the ARN of an S3 access point.'),
  tree: TreeName.describe('The prefix of this platform in the bucket, for example `ubuntu`.'),
  environment: EnvironmentName.default('stable').describe('The Puppet environment to follow.'),
  certname: Certname.optional().describe(
    'The name of this host in Puppet and in the bucket. Left out: see [agent.md](agent.md).',
  ),
  groups: z
    .array(Group)
    .max(100)
    .default([])
    .describe('Groups that this host belongs to. A rollout can name them.'),
  s3: S3Settings.prefault({}),
  schedule: Schedule.prefault({}),
  apply_window: ApplyWindowKeys,
  wait_for_network: WaitForNetwork,
  defer_on: DeferOn,
  defer_limit: DeferLimit,
  run: Run.prefault({}),
  hooks: Hooks,
  puppet: Puppet.prefault({}),
  overlay: Overlay,
  require_files: RequireFiles,
  on_expired: z
    .enum(['apply', 'noop', 'stop'])
    .default('apply')
    .describe(
      'What to do with the active release after the signed metadata has expired: apply it, run it as noop, or do not run it.',
    ),
  on_failure: z
    .enum(['keep', 'rollback'])
    .default('keep')
    .describe(
      'What to do with a release that does not compile on this host, or fails where the last good one did not: keep applying it, or go back to the last good one until a newer release is offered. See [agent.md](agent.md#a-release-that-is-bad-here).',
    ),
  facts: Facts.prefault({}),
  report: z
    .strictObject({
      heartbeat: duration({ min: '1m', max: '7d' })
        .prefault('1h')
        .describe('How often to send the status when nothing changes.'),
      prometheus_textfile: AbsolutePath.regex(/[.]prom$/, 'expected a name that ends with .prom')
        .optional()
        .describe(
          'Also write the status to this file, for the textfile collector of the node exporter. See [agent.md](agent.md#metrics-for-prometheus).',
        ),
    })
    .prefault({}),
  releases: Releases.prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The lowest level that is logged.'),
      format: z
        .enum(['text', 'json'])
        .default('text')
        .describe('`json`: one object per line, for a program that collects logs.'),
    })
    .prefault({}),
});
export type Config = DeepReadonly<z.infer<typeof Config>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
