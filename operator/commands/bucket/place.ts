import { stringify } from 'yaml';
import { z } from 'zod';
import { BucketName } from '../../../bucket/documents/bucket-name.ts';
import { TreeName } from '../../../bucket/documents/names.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { findConfig, type LoadedConfig, parseOptions, selectTree } from '../../config.ts';
import type { CommonOptions, Context } from '../../context.ts';

export interface PlaceOptions extends CommonOptions {
  readonly bucket?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

/** A bucket, and trees in it. */
export interface BucketPlace {
  /** The name of the bucket, or the ARN of its access point. */
  readonly bucket: string;
  readonly s3: S3Settings;
  /** Those that were asked for; without `--tree` all of miyamoto.yaml. Never empty. */
  readonly trees: readonly [string, ...string[]];
  /** The other trees of miyamoto.yaml. */
  readonly others: readonly string[];
}

/** What the options say, when there is no file yet. */
const Options = z.strictObject({ bucket: BucketName, tree: TreeName, s3: S3Settings.prefault({}) });

/**
 * The bucket of miyamoto.yaml; where there is no file, that of the options. Throws USAGE, CONFIG_*.
 */
export async function bucketPlace(context: Context, options: PlaceOptions): Promise<BucketPlace> {
  const { cwd, home } = context;
  const found = await findConfig({ cwd, home, path: options.config });
  if (found === undefined) return placeByOptions(options);
  context.setLogFormat(found.config.log.format);
  requireSame(found, options);
  const all = Object.keys(found.config.trees);
  const [first = ''] = all;
  const trees: BucketPlace['trees'] =
    options.tree === undefined && all.length > 0
      ? [first, ...all.slice(1)]
      : [selectTree(found, { home, tree: options.tree }).tree];
  const { bucket, s3 } = found.config;
  const region = s3.region ?? options.region;
  return {
    bucket,
    s3: { ...s3, ...(region !== undefined && { region }) },
    trees,
    others: all.filter((tree) => !trees.includes(tree)),
  };
}

function placeByOptions({ config, bucket, tree, endpoint, region }: PlaceOptions): BucketPlace {
  if (config !== undefined || bucket === undefined || tree === undefined) {
    const looked = config ?? 'miyamoto.yaml here or in a parent directory';
    throw new CodedError(`no configuration: looked for ${looked}`, {
      code: 'CONFIG_MISSING',
      next: '--bucket NAME --tree NAME, as mm init has them, or --config FILE',
    });
  }
  const text = stringify({ bucket, tree, s3: { endpoint, region } });
  const checked = parseOptions(text, Options, 'mm bucket init');
  return { bucket, s3: checked.s3, trees: [checked.tree], others: [] };
}

/** The file belongs to the operator: an option does not override it. */
function requireSame({ path, config }: LoadedConfig, options: PlaceOptions): void {
  const there = { bucket: config.bucket, endpoint: config.s3.endpoint, region: config.s3.region };
  for (const name of ['bucket', 'endpoint', 'region'] as const) {
    const given = options[name];
    if (given === undefined || given === there[name]) continue;
    if (name === 'region' && there.region === undefined) continue;
    throw new CodedError(`--${name} ${given}, but ${path} says ${there[name] ?? 'nothing of it'}`, {
      code: 'USAGE',
      next: `leave --${name} out, or name another file with --config`,
    });
  }
}

/** The ARN of a bucket. IAM refuses a policy with ARNs of another partition. */
export function bucketArn(bucket: string, region = ''): string {
  return `arn:${partitionOf(region)}:s3:::${bucket}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
