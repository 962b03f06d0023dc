import type { Bucket, GetResult } from '../../bucket/bucket.ts';
import { metadataKey } from '../../bucket/layout.ts';

/**
 * Where the files of the signed metadata come from: a bucket, or a simulated repository. Failures
 * are CodedErrors with S3_* codes; a missing file is S3_NOT_FOUND, or S3_ACCESS_DENIED where the
 * caller may not list.
 */
export interface MetadataSource {
  /** `file` is TUF's name: `timestamp.json`, `3.root.json`, `7.env-stable.json`. */
  get(file: string, options: MetadataGetOptions): Promise<GetResult>;
}

export interface MetadataGetOptions {
  readonly maxBytes: number;
  /**
   * In ms, for the whole file, however slowly its bytes arrive. Throws S3_UNREACHABLE. The look-up
   * of credentials has a limit of its own: its error names the helper that hangs.
   */
  readonly timeoutMs: number;
  /** ETag as S3 gave it. */
  readonly ifNoneMatch?: string;
  readonly signal?: AbortSignal;
}

/** The metadata of one tree of a bucket. */
export function bucketSource(bucket: Pick<Bucket, 'get'>, tree: string): MetadataSource {
  return { get: (file, options) => bucket.get(metadataKey(tree, file), options) };
}
