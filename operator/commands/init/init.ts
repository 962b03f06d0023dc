import { dirname } from 'node:path';
import { metadataKey } from '../../../bucket/layout.ts';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { ifPresent, readNamed } from '../../../shared/files.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { MAX_FILE_BYTES } from '../../../trust/metadata/file-limits.ts';
import type { InitAnswer } from '../../answers.ts';
import { requireClock } from '../../commit/require-clock.ts';
import type { TreeConfig } from '../../config.ts';
import type { Answer, Context } from '../../context.ts';
import { writeNewFile } from '../../files/write-new-file.ts';
import { parseSignedFile, type SignedFile } from '../../metadata/signed-file.ts';
import { keysDirectory, withKeptState } from '../../open-tree.ts';
import { assertKeysOutside } from '../../release/keys-outside.ts';
import type { RepositoryOptions } from '../../repository/repository.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { createBucket } from '../bucket/create.ts';
import { carryOut } from '../carry-out.ts';
import { answerInit } from './answer.ts';
import { establishRoot, type SoloKeys } from './initial-root.ts';
import { assertNoTimestamp, firstChange, readEmptyTree, requireNoTree } from './initial-targets.ts';
import { prepareKeys } from './keys.ts';
import { readOriginal } from './original.ts';
import { type InitOptions, type InitPlan, keyPaths, planInit } from './plan.ts';

/**
 * `mm init`: configuration, keys and signed metadata of a new tree. Every step can be repeated
 * until timestamp.json exists: the next run finishes an interrupted one.
 */
export async function init(context: Context, given: InitOptions): Promise<Answer> {
  const original = given.from === undefined ? undefined : readOriginal(context, given.from, given);
  const options = original?.options ?? given;
  const plan = await planInit(context, options);
  const { config } = plan;
  const bucket = await context.openBucket(config.bucket, config.s3);
  const place = { bucket, tree: config.tree };
  const keys = keysDirectory(context, config, options);
  const described = { plan, keys: keyPaths(keys), converted: original?.convertedTo(config) };
  try {
    await assertKeysOutside({ directory: config.repository, env: context.env }, keys);
    const hasBucket = await assertFresh(context, place, options);
    if (hasBucket) await requireNoTree(place, config);
    requireOwn(dirname(plan.configFile), 'the directory of the configuration');
    requireOwn(keys, 'the directory of the signing keys');
    if (options.noop === true) {
      if (!hasBucket) context.notice(`would make bucket ${config.bucket}`);
      return answerInit({ ...described, outcome: 'noop' });
    }
    // Must come before any write, because a person may mistype a passphrase.
    const makeKeys = await prepareKeys(context, options, keys);
    if (!hasBucket) await makeBucket(context, config);
    await writeConfig(plan);
    const signers = await makeKeys();
    const done = await withKeptState(config, (stateDirectory) =>
      establish(context, config, { place, signers, stateDirectory }),
    );
    return answerInit({ ...described, outcome: 'initialized', ...done });
  } finally {
    bucket.close();
  }
}

/**
 * Returns whether the bucket exists; otherwise it must be created. Throws ALREADY_INITIALIZED, and
 * S3_* when the bucket cannot be used.
 */
async function assertFresh(
  context: Pick<Context, 'now'>,
  place: TreePlace,
  options: InitOptions,
): Promise<boolean> {
  try {
    requireClock(context, { serverDate: await assertNoTimestamp(place) });
    return true;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_REGION_WRONG') throw sayRegion(error);
    if (!(error instanceof CodedError) || error.code !== 'S3_BUCKET_MISSING') throw error;
    if (options.createBucket === true) return false;
    throw new CodedError(error.message, {
      code: error.code,
      cause: error,
      next: 'mm bucket init, or mm init --create-bucket; or check the name of the bucket and --endpoint',
    });
  }
}

async function makeBucket(context: Context, { bucket, s3 }: TreeConfig): Promise<void> {
  await createBucket(bucket, s3);
  context.notice(
    `made bucket ${bucket}; next: mm bucket init, for its versions, lifecycle and policy`,
  );
}

/** No configuration file with `s3.region` exists yet, so the error names `--region`. */
function sayRegion(cause: CodedError): CodedError {
  const { message, code, next } = cause;
  return new CodedError(message, { code, cause, next: `${next}; mm init takes --region` });
}

async function writeConfig({ configFile, configText }: InitPlan): Promise<void> {
  if (configText === undefined || (await writeNewFile(configFile, configText, 0o644))) return;
  throw new CodedError(`${configFile} was created by another process at the same time`, {
    code: 'CONFIG_INVALID',
    next: 'read the file, then run mm init again',
  });
}

interface Established {
  readonly objects: readonly string[];
  readonly expires: InitAnswer['expires'];
}

async function establish(
  context: Context,
  config: TreeConfig,
  made: {
    readonly place: TreePlace;
    readonly signers: SoloKeys;
    readonly stateDirectory: string;
  },
): Promise<Established> {
  const { place, signers, stateDirectory } = made;
  const { tree, id: treeId, rootFile } = config;
  const now = () => context.now();
  const root = await establishRoot({ ...place, treeId, keys: signers, now });
  // Must come before the timestamp: once that exists, the operator must have the root that hosts
  // trust.
  keepRoot(rootFile, root);
  const environments = [...config.refs.keys()];
  const options: RepositoryOptions = {
    ...place,
    treeId,
    root: root.bytes,
    stateDirectory,
    environments,
    keyring: { place: 'the new keys', signers: Object.values(signers) },
    now,
  };
  const document = parseSignedFile(root.bytes, 'root');
  const repository = { ...options, read: () => readEmptyTree(place, document) };
  const change = firstChange(environments, signers.operator);
  const done = await carryOut(
    context,
    { repository, options },
    { intent: () => ({ kind: 'change', change, answer: undefined }), options: {} },
  );
  return { objects: [metadataKey(tree, root.file), ...done.objects], expires: done.expires };
}

/**
 * Throws ROOT_INVALID when another root file exists: it may be the only copy of a root that other
 * hosts trust.
 */
function keepRoot(path: string, { bytes }: SignedFile): void {
  const there = readIfThere(path);
  if (there?.equals(bytes)) return;
  if (there !== undefined) {
    throw new CodedError(`${path} exists already, and is the root of another tree`, {
      code: 'ROOT_INVALID',
      next: moveAway(path),
    });
  }
  writeFileAtomicSync(path, bytes);
}

function moveAway(path: string): string {
  return `mv ${shellWord(path)} ${shellWord(`${path}.old`)}, then run mm init again`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return ifPresent(() => readNamed(path, MAX_FILE_BYTES.root));
  } catch (cause) {
    const { why } = fileProblem(path, cause);
    throw new CodedError(`no trust root can be kept there: ${why}`, {
      code: 'ROOT_INVALID',
      cause,
      next: moveAway(path),
    });
  }
}
