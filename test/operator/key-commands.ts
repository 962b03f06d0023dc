import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Bucket } from '../../bucket/bucket.ts';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import { ChangeAnswer, ErrorAnswer } from '../../operator/answers.ts';
import type { Context } from '../../operator/context.ts';
import { KeyListAnswer, KeyNewAnswer } from '../../operator/key-answers.ts';
import { bucketSource } from '../../trust/metadata/source.ts';
import { type Refresh, refresh } from '../../trust/reader.ts';
import { BUCKET, type OperatorLab, TREE } from './operator-lab.ts';

/** A host that keeps the verified state, as an agent does. */
export interface Host {
  poll(environments?: readonly string[]): Promise<Refresh>;
}

export async function hostOf(
  t: TestContext,
  lab: OperatorLab,
  name: string,
  now: () => number = () => Date.now(),
): Promise<Host> {
  const bucket = await openBucket(BUCKET, S3Settings.parse({ endpoint: lab.server.endpoint }));
  t.after(() => bucket.close());
  const packagedRoot = await readFile(join(lab.repository, 'ubuntu.root.json'));
  let etag: string | undefined;
  return {
    async poll(environments = ['stable']) {
      const done = await refresh({
        directory: join(lab.directory, 'hosts', name),
        packagedRoot,
        environments,
        clock: { now },
        source: bucketSource(bucket, TREE),
        etag,
      });
      etag = done.etag;
      return done;
    },
  };
}

/** Calls `after` between two uploads. The next upload waits for it. */
export function afterEachPut(after: (key: string) => Promise<void>): Pick<Context, 'openBucket'> {
  return {
    async openBucket(name, settings) {
      const bucket: Bucket = await openBucket(name, settings);
      return {
        name,
        get: (key, options) => bucket.get(key, options),
        open: (key, options) => bucket.open(key, options),
        list: (prefix, options) => bucket.list(prefix, options),
        multipart: bucket.multipart,
        awsCommand: (words) => bucket.awsCommand(words),
        remove: (key) => bucket.remove(key),
        close: () => bucket.close(),
        async put(key, body, options) {
          const answer = await bucket.put(key, body, options);
          await after(key);
          return answer;
        },
      };
    },
  };
}

export async function newKey(lab: OperatorLab, name: string, ...more: string[]): Promise<string> {
  const { exitCode, json, stderr } = await lab.mm(['key', 'new', name, '--json', ...more]);
  assert.equal(exitCode, 0, stderr);
  return KeyNewAnswer.parse(json).keyId ?? '';
}

/** Runs a command that changes keys or signatures, and expects success. */
export async function changed(
  lab: OperatorLab,
  args: readonly string[],
  more?: Partial<Context>,
): Promise<ChangeAnswer> {
  const { exitCode, json, stderr } = await lab.mm([...args, '--json'], more);
  assert.equal(exitCode, 0, stderr);
  return ChangeAnswer.parse(json);
}

/** The error code of the command. */
export async function codeOf(
  lab: OperatorLab,
  args: readonly string[],
  more?: Partial<Context>,
): Promise<string | null> {
  const { exitCode, json } = await lab.mm([...args, '--json'], more);
  assert.notEqual(exitCode, 0);
  return ErrorAnswer.parse(json).error.code;
}

export async function listKeys(lab: OperatorLab, ...more: string[]): Promise<KeyListAnswer> {
  const { exitCode, json, stderr } = await lab.mm(['key', 'list', '--json', ...more]);
  assert.equal(exitCode, 0, stderr);
  return KeyListAnswer.parse(json);
}

export const signersOf = (lab: OperatorLab, file: string): string[] =>
  lab.metadata(file).signatures.map(({ keyid }) => keyid);

export const fileNames = (objects: readonly string[]): string[] =>
  objects.map((key) => key.split('/').at(-1) ?? '');

/** The default directory of the keys of the tree. */
export const keysOf = ({ directory }: OperatorLab): string =>
  join(directory, 'home/.config/miyamoto/keys/acme/ubuntu');

/** A recovery that finds less than the snapshot names: it is refused, and names the files. */
export async function changedWithout(
  lab: OperatorLab,
  args: readonly string[],
  files: readonly string[],
): Promise<ChangeAnswer> {
  const before = lab.server.keys(BUCKET);
  const { json } = await lab.mm([...args, '--json']);
  const { code, next } = ErrorAnswer.parse(json).error;
  const options = files.flatMap((file) => ['--without', file]);
  assert.equal(code, 'NOT_CONFIRMED');
  assert.ok(String(next).endsWith(`the same command with ${options.join(' ')}`), String(next));
  assert.deepEqual(lab.server.keys(BUCKET), before);
  return await changed(lab, [...args, ...options]);
}
