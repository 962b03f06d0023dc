/** Bytes of a file. */
export interface FileRange {
  readonly path: string;
  /** The first byte; by default 0. */
  readonly offset?: number;
  readonly length: number;
  /** Of these bytes, in lower-case hex. */
  readonly sha256: string;
}

/**
 * The content of an object or of a part of it, in a file that does not change while it is uploaded.
 * Each attempt reads it from the disk: a release may have hundreds of MB, and memory need not hold
 * them.
 */
export class FileContent {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /**
   * In lower-case hex. The signature of the request contains it, so the store refuses other bytes.
   */
  readonly sha256: string;
  /** Called with the number of bytes that an attempt has sent. The next attempt begins at 0. */
  readonly onSent: ((bytes: number) => void) | undefined;

  constructor(file: FileRange, onSent?: (bytes: number) => void) {
    this.path = file.path;
    this.offset = file.offset ?? 0;
    this.length = file.length;
    this.sha256 = file.sha256;
    this.onSent = onSent;
  }
}
