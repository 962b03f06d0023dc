import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CodedError } from '../../../shared/coded-error.ts';
import { effectiveSettings } from '../effective-settings.ts';
import { awsCommand } from '../errors/aws-command.ts';
import { requestRunner } from '../request.ts';
import { createS3Client, prepareClient } from '../sdk/client.ts';
import type { S3Settings } from '../settings.ts';

/** A bucket and the store that has it, for requests that `Bucket` does not have. */
export interface Store {
  readonly bucket: string;
  /** From the settings, the environment or the AWS files. */
  readonly region: string | undefined;
  /** A command line of the AWS CLI that reaches this store. */
  awsCommand(words: string): string;
  /** True: AWS. False: `s3.endpoint` names another store. */
  readonly isAws: boolean;
  /** Whether requests are sent without TLS, also on this machine. */
  readonly isPlainHttp: boolean;
  /**
   * Sends a request, with its retries, under the time limit. `what` is an object key or a setting,
   * for example `?versioning`. Every failure is a CodedError with an S3_* code, and with the code
   * of the store in `details.s3`.
   */
  request<T>(
    verb: 'read' | 'write' | 'list' | 'remove',
    what: string,
    send: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T>;
}

/** Opens the store, and closes it after the work. Throws CONFIG_INVALID. */
export async function withStore<T>(
  bucket: string,
  given: S3Settings,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  // biome-ignore lint/style/noProcessEnv: where the SDK itself looks
  const { settings } = await effectiveSettings(bucket, given, process.env);
  const client = createS3Client(settings);
  const run = requestRunner(bucket, settings, (wanted) => prepareClient(client, wanted));
  const { endpoint, region } = settings;
  try {
    return await work({
      bucket,
      region,
      awsCommand: (words) => awsCommand(words, settings),
      isAws: endpoint === undefined,
      isPlainHttp: endpoint?.startsWith('http:') === true,
      request: (verb, what, send) =>
        run(verb, what, {}, (abortSignal) => send(client, { abortSignal })),
    });
  } finally {
    client.destroy();
  }
}

/**
 * Whether the store understood who asks, and refused this one request: the right is missing, or the
 * store does not have what was asked for. Other requests can succeed.
 */
export function isRefusal(error: unknown): error is CodedError {
  return (
    error instanceof CodedError &&
    /^S3_(ACCESS_DENIED|FAILED|NOT_FOUND|PRECONDITION_FAILED)$/.test(error.code)
  );
}

/** The answer of the store, for example `501 NotImplemented`. */
export function answerText({ details }: CodedError): string {
  return [details['status'], details['s3']].filter((part) => part !== undefined).join(' ');
}

/** Removes an object or a version of it. False when the store refuses. */
export async function removeVersion(
  store: Store,
  key: string,
  versionId: string | undefined,
): Promise<boolean> {
  const input = { Bucket: store.bucket, Key: key, VersionId: versionId };
  try {
    await store.request('remove', key, (client, options) =>
      client.send(new DeleteObjectCommand(input), options),
    );
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
