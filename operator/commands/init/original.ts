import { resolve } from 'node:path';
import { z } from 'zod';
import { BucketName } from '../../../bucket/documents/bucket-name.ts';
import { TreeName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { parseConfigFile } from '../../../shared/config/file.ts';
import { readConfigFile } from '../../../shared/config/source.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import type { ConvertedKey } from '../../answers.ts';
import { Ref, type TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import type { InitOptions } from './plan.ts';

const Prefix = z.string().min(1);

/** `config.json` of the original Miyamoto of 2012, as its Rakefile reads it. */
const Original = z.strictObject({
  bucket: BucketName,
  base_directory: z.string().optional(),
  status: Prefix.optional(),
  os_target: z.enum(['osx', 'ubuntu']).optional(),
  branches: z.strictObject({
    stable: Ref,
    testing: Ref.optional(),
    working: Ref.optional(),
  }),
  manifests: Prefix,
  binaries: Prefix.optional(),
  environments: Prefix.optional(),
});
type Original = z.infer<typeof Original>;

/** The configuration that `mm init` writes or found, from the file and the command line. */
type Planned = Pick<TreeConfig, 'bucket' | 'tree' | 'refs'>;

export interface FromOriginal {
  /** The options of `mm init` that follow from the file. */
  readonly options: InitOptions;
  /** What each key of the file became. */
  convertedTo(config: Planned): ConvertedKey[];
}

/**
 * Reads a `config.json` of the original. Options of the command line win. Throws USAGE when it does
 * not exist or names no tree, CONFIG_INVALID with the line of each mistake.
 */
export function readOriginal(
  { cwd }: Pick<Context, 'cwd'>,
  file: string,
  options: InitOptions,
): FromOriginal {
  const path = resolve(cwd, file);
  const text = readConfigFile(path);
  if (text === undefined) {
    throw new CodedError(`--from: there is no ${path}`, {
      code: 'USAGE',
      next: 'give the config.json that stands beside the Rakefile of the original',
    });
  }
  assertJson(text, path);
  const original = parseConfigFile(text, path, Original);
  const tree = options.tree ?? treeOf(original, path);
  const { stable, testing } = original.branches;
  const environments = [
    `stable=${stable}`,
    ...(testing === undefined ? [] : [`testing=${testing}`]),
  ];
  const isMac = original.os_target === 'osx';
  return {
    options: {
      bucket: original.bucket,
      environment: environments,
      ...(isMac && { ignoresCase: true }),
      ...options,
      tree,
    },
    convertedTo: (config) => rowsOf(original, config),
  };
}

/** The reader of configurations accepts YAML, of which JSON is a part. */
function assertJson(text: string, path: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new CodedError(`${path}: wanted JSON: ${(cause as Error).message}`, {
      code: 'CONFIG_INVALID',
      cause,
      next: `correct ${path}; python3 -m json.tool ${shellWord(path)} names the place, too`,
    });
  }
}

/** `osx` of `osx/manifests`. */
function treeOf({ manifests }: Original, path: string): string {
  const [, tree] = /^([^/]+)\/manifests\/?$/.exec(manifests) ?? [];
  if (tree !== undefined && TreeName.safeParse(tree).success) return tree;
  throw new CodedError(
    `${path}: manifests: wanted TREE/manifests, for example osx/manifests, found ${JSON.stringify(manifests)}`,
    { code: 'USAGE', next: 'name the prefix of the new tree in the bucket: --tree NAME' },
  );
}

type Row = readonly [became: string | null, why: string];

/** What each key of the file became, in the order of the file's keys. */
function rowsOf(original: Original, { bucket, tree, refs }: Planned): ConvertedKey[] {
  const { branches, os_target } = original;
  const ofBranch = (name: 'stable' | 'testing'): Row => {
    const ref = refs.get(name);
    const became = ref === undefined ? null : `trees.${tree}.environments.${name}.ref`;
    return [became, ref === branches[name] ? `mm publish ${name}` : 'replaced by --environment'];
  };
  const isSameTree = original.manifests.replace(/\/$/, '') === `${tree}/manifests`;
  const ofPlace = (place: string): Row => [null, `hosts use ${tree}/${place}, which is fixed`];
  const rows: Readonly<Record<string, Row>> = {
    bucket: ['bucket', bucket === original.bucket ? 'the same bucket' : 'replaced by --bucket'],
    base_directory: [null, 'hosts keep releases in /var/lib/miyamoto, which is fixed'],
    status: ofPlace('status'),
    os_target:
      os_target === 'osx'
        ? [`trees.${tree}.ignores_case`, 'hosts have a file system that ignores case']
        : [null, 'mm publishes the same release for all systems'],
    'branches.stable': ofBranch('stable'),
    'branches.testing': ofBranch('testing'),
    'branches.working': [null, 'no host follows it: mm publish --working-tree, or git merge'],
    manifests: [
      `trees.${tree}`,
      isSameTree ? 'the prefix of the tree; signed releases are below it' : 'replaced by --tree',
    ],
    binaries: ofPlace('binaries'),
    environments: [null, 'the signed metadata says which release is current'],
  };
  const { branches: _, ...others } = original;
  const values: Readonly<Record<string, string | undefined>> = {
    ...others,
    ...Object.fromEntries(Object.entries(branches).map(([key, ref]) => [`branches.${key}`, ref])),
  };
  return Object.entries(rows).flatMap(([key, [became, why]]) => {
    const value = values[key];
    return value === undefined ? [] : [{ key, value, became, why }];
  });
}
