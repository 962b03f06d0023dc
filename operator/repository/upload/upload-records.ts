import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Bucket } from '../../../bucket/bucket.ts';
import { Instant } from '../../../bucket/documents/names.ts';
import type { Upload } from '../../../bucket/multipart.ts';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { orUndefined } from '../../../shared/files.ts';
import { ownText } from '../../../shared/foreign-file.ts';
import { parseJson } from '../../../shared/json.ts';

const UploadRecord = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  uploadId: z.string(),
  at: Instant,
});
type UploadRecord = z.infer<typeof UploadRecord>;

/** Nobody continues an older upload. */
const KEPT_MS = 7 * 86_400_000;

/**
 * The uploads in parts that this machine has begun and not completed, a file for each. A store
 * lists such uploads only to callers who may see those of all trees of the bucket.
 */
export class UploadRecords {
  readonly #directory: string;

  /** The directory is made when it is needed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The upload of these bytes to this key, if one was begun. */
  find(bucket: Bucket, key: string, sha256: string): Upload | undefined {
    const record = this.#read(sha256);
    return record?.bucket === bucket.name && record.key === key ? record : undefined;
  }

  /** Must be called before the first part is sent. */
  add(bucket: Bucket, upload: Upload, { sha256, now }: { sha256: string; now: number }): void {
    const { key, uploadId } = upload;
    const at = new Date(now).toISOString();
    const record: UploadRecord = { bucket: bucket.name, key, uploadId, at };
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    replaceFileSync(this.#path(sha256), JSON.stringify(record), { mode: 0o600 });
  }

  remove(sha256: string): void {
    rmSync(this.#path(sha256), { force: true });
  }

  /** Aborts the uploads that nobody continues. A failure leaves the record for the next time. */
  async abortOld(bucket: Bucket, now: number): Promise<void> {
    for (const name of orUndefined(() => readdirSync(this.#directory)) ?? []) {
      const record = this.#read(name);
      const isOld = record !== undefined && now - Date.parse(record.at) > KEPT_MS;
      if (!isOld || record.bucket !== bucket.name) continue;
      try {
        await bucket.multipart.abort(record);
        this.remove(name);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  }

  #read(sha256: string): UploadRecord | undefined {
    return UploadRecord.safeParse(parseJson(ownText(this.#path(sha256)))).data;
  }

  #path(sha256: string): string {
    return join(this.#directory, sha256);
  }
}
