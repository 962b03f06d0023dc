import type { FileContent } from './file-content.ts';

/**
 * Uploads of large objects in parts. The store keeps the parts of an upload until it is completed
 * or aborted, so an upload that was interrupted can go on. The object exists only after the end.
 */
export interface MultipartUploads {
  /** Begins an upload. */
  create(key: string, options?: ObjectHeaders): Promise<Upload>;
  /** The parts that the store has. Throws S3_NOT_FOUND when the upload has ended. */
  parts(upload: Upload): Promise<readonly UploadedPart[]>;
  /** Uploads a part, or replaces it. Numbers are 1 to 10000; parts but the last have 5 MiB. */
  putPart(upload: Upload, number: number, content: FileContent): Promise<UploadedPart>;
  /** Makes the object from these parts, which must be all of it, in order. */
  complete(upload: Upload, parts: readonly UploadedPart[]): Promise<void>;
  /** Removes the upload with its parts. An upload that has ended is not an error. */
  abort(upload: Upload): Promise<void>;
}

export interface ObjectHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
}

export interface Upload {
  readonly key: string;
  /** As the store gave it. */
  readonly uploadId: string;
}

export interface UploadedPart {
  readonly number: number;
  /** Bytes. */
  readonly length: number;
  /** With its quotes, as the store gave it. Most stores use the MD5 of the part. */
  readonly etag: string;
  /** In lower-case hex. Undefined where the store keeps no checksums. */
  readonly sha256: string | undefined;
}
