import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { accessPointOf } from '../../../bucket/s3/access-point.ts';
import { type Store, withStore } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { BucketAnswer } from '../../bucket-answers.ts';
import type { Answer, Context } from '../../context.ts';
import { confirm } from '../confirm.ts';
import { brokenConditions } from './conditions.ts';
import { assertNewName, createIn } from './create.ts';
import { lifecycle } from './lifecycle.ts';
import { type BucketPlace, bucketArn, bucketPlace, type PlaceOptions } from './place.ts';
import { change, type Inspected, inspect, type Row, type Setting } from './setting.ts';
import { encryption, ownership, publicAccess } from './settings.ts';
import { tlsOnly } from './tls-only.ts';
import { versioning } from './versioning.ts';

export interface BucketInitOptions extends PlaceOptions {
  readonly yes?: boolean | undefined;
  readonly noop?: boolean | undefined;
}

/**
 * `mm bucket init`: creates the bucket or checks it, and changes the settings that are not as
 * wanted. Rules and statements of others stay. When a store does not support a setting, the other
 * settings are still made. Exit code 1 when a setting is missing in the end.
 */
export async function initBucket(context: Context, options: BucketInitOptions): Promise<Answer> {
  const place = await bucketPlace(context, options);
  if (accessPointOf(place.bucket) !== undefined) {
    throw new CodedError(`${place.bucket} is an access point, and settings belong to its bucket`, {
      code: 'CONFIG_INVALID',
      next: 'mm bucket init --bucket NAME --tree NAME, in a directory without miyamoto.yaml',
    });
  }
  return await withStore(place.bucket, place.s3, async (store) => {
    const existence = await findBucket(store);
    const rows = await checked(context, options, { place, store, existence }).catch((error) => {
      throw existence === 'unknown' ? sayUnlisted(error, store) : error;
    });
    return answer(place, rows, options.noop === true);
  });
}

async function checked(
  context: Context,
  options: BucketInitOptions,
  {
    place,
    store,
    existence,
  }: { readonly place: BucketPlace; readonly store: Store; readonly existence: Existence },
): Promise<readonly Row[]> {
  const isNoop = options.noop === true;
  const settings = wantedSettings(place, { mayWrite: !isNoop, region: store.region });
  const isThere = existence !== 'no';
  if (!isThere) assertNewName(place.bucket);
  const before = isThere ? await inspectAll(store, settings) : [];
  const found = isThere ? before.map(({ row }) => row) : settings.map(ofNewBucket);
  const planned = [bucketRow(place.bucket, existence, found), ...found];
  const [tree] = place.trees;
  if (isNoop) return [...planned, { ...ofNewBucket(conditionalWrites(tree)), ...UNTRIED }];
  if (planned.some(({ outcome }) => outcome === 'open')) {
    await confirm(context, {
      lines: planned.flatMap(linesOf),
      doubts: [],
      yes: options.yes === true,
      what: isThere ? `change these settings of ${place.bucket}` : `make bucket ${place.bucket}`,
    });
  }
  if (!isThere) await createIn(store);
  const rows: Row[] = [];
  for (const each of isThere ? before : await inspectAll(store, settings))
    rows.push(await change(store, each));
  const { row } = await inspect(store, conditionalWrites(tree));
  rows.push(row);
  const bucket = bucketRow(place.bucket, existence, rows);
  return [isThere ? bucket : { ...bucket, outcome: 'set' }, ...rows];
}

/**
 * Encryption comes before the first test object. The settings that can lock somebody out come last.
 */
function wantedSettings(
  { bucket, trees }: BucketPlace,
  { mayWrite, region }: { readonly mayWrite: boolean; readonly region: string | undefined },
): readonly Setting[] {
  const [tree] = trees;
  return [
    publicAccess,
    ownership,
    encryption(tree),
    versioning({ tree, mayWrite }),
    ...trees.flatMap(lifecycle),
    tlsOnly(tree, bucketArn(bucket, region)),
  ];
}

function conditionalWrites(tree: string): Setting {
  return {
    name: 'conditional writes',
    wanted: 'If-None-Match and If-Match hold',
    rights: { read: 's3:PutObject, s3:GetObject and s3:DeleteObject below status/', write: '' },
    without: 'do not publish to this store: two publishers at once can overwrite each other',
    inspect: async (store) => {
      const broken = await brokenConditions(store, tree);
      if (broken === undefined) return { is: 'ok', found: 'If-None-Match and If-Match hold' };
      return { is: 'lacking', found: broken, next: conditionalWrites(tree).without };
    },
  };
}

/** `unknown`: the store does not say it to these credentials. */
type Existence = 'yes' | 'no' | 'unknown';

async function findBucket(store: Store): Promise<Existence> {
  try {
    await store.request('list', '', (client, options) =>
      client.send(new HeadBucketCommand({ Bucket: store.bucket }), options),
    );
    return 'yes';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'S3_BUCKET_MISSING') return 'no';
    // The administrator may not have the right to list. Each setting says what is denied.
    if (error.code === 'S3_ACCESS_DENIED') return 'unknown';
    throw error;
  }
}

/** A setting that the store has read shows that the bucket exists. */
function bucketRow(bucket: string, existence: Existence, settings: readonly Row[]): Row {
  const name = 'bucket';
  if (existence === 'no') {
    return { name, outcome: 'open', found: 'does not exist', wanted: bucket, next: null };
  }
  if (existence === 'yes' || settings.some(({ outcome }) => /^(ok|set|open)$/.test(outcome))) {
    return { name, outcome: 'ok', found: bucket, wanted: null, next: null };
  }
  return {
    name,
    outcome: 'denied',
    found: 'not known: these credentials may not list it',
    wanted: null,
    next: 'allow s3:ListBucket, or ask the administrator whether the bucket exists',
  };
}

/** Replaces the next command of an error, because it would be `mm bucket init` itself. */
function sayUnlisted(error: unknown, { bucket, awsCommand }: Store): unknown {
  if (!(error instanceof CodedError) || error.code !== 'S3_BUCKET_MISSING') return error;
  const { message, code } = error;
  return new CodedError(message, {
    code,
    cause: error,
    next: `check the name of the bucket and s3.endpoint, or make it: ${awsCommand(`s3 mb s3://${bucket}`)}; mm bucket init makes it where s3:ListBucket is allowed`,
  });
}

async function inspectAll(store: Store, settings: readonly Setting[]): Promise<Inspected[]> {
  const all: Inspected[] = [];
  for (const setting of settings) all.push(await inspect(store, setting));
  return all;
}

function ofNewBucket({ name, wanted }: Setting): Row {
  return { name, outcome: 'open', found: 'no bucket', wanted, next: null };
}

/** Instead of the outcome of a check that writes an object. */
const UNTRIED = { outcome: 'untried', found: 'not tried with --noop', wanted: null } as const;

function answer(place: BucketPlace, rows: readonly Row[], noop: boolean): Answer {
  const isComplete = rows.every(({ outcome }) => /^(ok|set|untried)$/.test(outcome));
  const document: BucketAnswer = {
    schemaVersion: 1,
    bucket: place.bucket,
    trees: [...place.trees],
    outcome: isComplete ? 'complete' : 'incomplete',
    noop,
    settings: rows.map((row) => ({ ...row })),
  };
  return { document, lines: rows.flatMap(linesOf), exitCode: isComplete ? undefined : 1 };
}

function linesOf({ name, outcome, found, wanted, next }: Row): string[] {
  const word = outcome === 'open' ? 'change' : outcome;
  const line = `${word.padEnd(8)} ${name}: ${wanted === null ? found : `${found} -> ${wanted}`}`;
  return next === null ? [line] : [line, `         next: ${next}`];
}
