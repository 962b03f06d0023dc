import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CodedError } from '../../../shared/coded-error.ts';
import type { FileContent } from '../../file-content.ts';
import type { MultipartUploads, ObjectHeaders, Upload, UploadedPart } from '../../multipart.ts';
import { type RunRequest, uploadLimitMs } from '../request.ts';
import type { S3Settings } from '../settings.ts';
import { signWith } from './sign-with.ts';

/** What the bucket gives to its uploads. */
export interface MultipartOptions {
  readonly bucket: string;
  readonly settings: S3Settings;
  readonly client: S3Client;
  readonly request: RunRequest;
  send<T>(request: () => Promise<T>): Promise<T>;
}

/** A store may need minutes to put the parts of a large object together. */
const COMPLETE_LIMIT_MS = 10 * 60_000;

/** Each part is signed with its sha256, so the store refuses other bytes. */
export class S3Multipart implements MultipartUploads {
  readonly #options: MultipartOptions;

  constructor(options: MultipartOptions) {
    this.#options = options;
  }

  async create(key: string, options: ObjectHeaders = {}): Promise<Upload> {
    const { bucket, client, request, send } = this.#options;
    const { contentType, cacheControl } = options;
    return await request('write', key, {}, async (abortSignal) => {
      const command = new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        ContentType: contentType,
        CacheControl: cacheControl,
        ...((await this.#hasChecksums()) && { ChecksumAlgorithm: 'SHA256' }),
      });
      const { UploadId } = await send(() => client.send(command, { abortSignal }));
      if (UploadId !== undefined) return { key, uploadId: UploadId };
      throw new CodedError(`the store gave no id for the upload of s3://${bucket}/${key}`, {
        code: 'S3_FAILED',
        next: 'use a store that implements multipart uploads',
      });
    });
  }

  async parts({ key, uploadId }: Upload): Promise<readonly UploadedPart[]> {
    const { bucket, client, request, send } = this.#options;
    const found: UploadedPart[] = [];
    let marker: string | undefined;
    do {
      const input = { Bucket: bucket, Key: key, UploadId: uploadId, PartNumberMarker: marker };
      const page = await request('resume', key, {}, (abortSignal) =>
        send(() => client.send(new ListPartsCommand(input), { abortSignal })),
      );
      found.push(...(page.Parts ?? []).flatMap(uploadedPart));
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return found;
  }

  async putPart(
    { key, uploadId }: Upload,
    number: number,
    content: FileContent,
  ): Promise<UploadedPart> {
    const { bucket, client, request, send, settings } = this.#options;
    const { length, sha256 } = content;
    const hasChecksums = await this.#hasChecksums();
    const timeoutMs = uploadLimitMs(settings, length);
    return await request('write', key, { timeoutMs }, async (abortSignal) => {
      const command = new UploadPartCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        Body: content as unknown as Buffer,
        ContentLength: length,
        ...(hasChecksums && { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') }),
      });
      signWith(command, sha256);
      const { ETag = '' } = await send(() => client.send(command, { abortSignal }));
      return { number, length, etag: ETag, sha256: hasChecksums ? sha256 : undefined };
    });
  }

  async complete({ key, uploadId }: Upload, parts: readonly UploadedPart[]): Promise<void> {
    const { bucket, client, request, send } = this.#options;
    await request('write', key, { timeoutMs: COMPLETE_LIMIT_MS }, async (abortSignal) => {
      const command = new CompleteMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: {
          Parts: parts.map(({ number, etag, sha256 }) => ({
            PartNumber: number,
            ETag: etag,
            ...(sha256 !== undefined && {
              ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
            }),
          })),
        },
      });
      await send(() => client.send(command, { abortSignal }));
    });
  }

  async abort({ key, uploadId }: Upload): Promise<void> {
    const { bucket, client, request, send } = this.#options;
    const command = new AbortMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
    });
    try {
      await request('abort', key, {}, (abortSignal) =>
        send(() => client.send(command, { abortSignal })),
      );
    } catch (error) {
      if (!(error instanceof CodedError && error.code === 'S3_NOT_FOUND')) throw error;
    }
  }

  async #hasChecksums(): Promise<boolean> {
    return (await this.#options.client.config.requestChecksumCalculation()) !== 'WHEN_REQUIRED';
  }
}

function uploadedPart({ PartNumber, Size, ETag, ChecksumSHA256 }: Part): UploadedPart[] {
  if (PartNumber === undefined || Size === undefined || ETag === undefined) return [];
  const sha256 =
    ChecksumSHA256 === undefined
      ? undefined
      : Buffer.from(ChecksumSHA256, 'base64').toString('hex');
  return [{ number: PartNumber, length: Size, etag: ETag, sha256 }];
}
