import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The bytes of one file. They stay on disk until they are read. */
export interface Content {
  readonly length: number;
  /** All bytes at once; for files that fit into memory several times. */
  read(): Buffer;
  /** The same bytes in pieces. With `scratch`, each piece is in it and valid until the next one. */
  chunks(scratch?: Buffer): Iterable<Buffer>;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * One temporary file that holds the contents of all files of a release. A release may have a GiB,
 * and it is read several times: by the checks, by the gates, and when it is packed. The spool keeps
 * that out of memory and makes sure that every reader sees the same bytes.
 */
export class Spool {
  readonly #file: number;
  #length = 0;

  /** The file is removed at once and lives as long as it is open: a crash leaves nothing behind. */
  constructor(directory: string) {
    const path = join(directory, 'spool');
    this.#file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  }

  /** Appends the content of one file, chunk by chunk. One writer at a time. */
  writer(): { write(chunk: Buffer): void; end(): Content } {
    const start = this.#length;
    return {
      write: (chunk) => this.#append(chunk),
      end: () => new SpooledContent(this.#file, start, this.#length - start),
    };
  }

  add(bytes: Buffer): Content {
    const writer = this.writer();
    writer.write(bytes);
    return writer.end();
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #append(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(this.#file, chunk, at, chunk.length - at, this.#length + at);
    }
    this.#length += chunk.length;
  }
}

class SpooledContent implements Content {
  readonly length: number;
  readonly #file: number;
  readonly #start: number;

  constructor(file: number, start: number, length: number) {
    this.#file = file;
    this.#start = start;
    this.length = length;
  }

  read(): Buffer {
    return this.#slice(0, this.length);
  }

  *chunks(scratch?: Buffer): Iterable<Buffer> {
    const most = scratch?.length ?? CHUNK_BYTES;
    for (let at = 0; at < this.length; at += most) {
      yield this.#slice(at, Math.min(most, this.length - at), scratch);
    }
  }

  #slice(offset: number, length: number, scratch?: Buffer): Buffer {
    const bytes = scratch?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    for (let at = 0; at < length; ) {
      const read = readSync(this.#file, bytes, at, length - at, this.#start + offset + at);
      if (read === 0) throw new Error('the spool of the release is shorter than what was written');
      at += read;
    }
    return bytes;
  }
}

/** Content that is in memory already. */
export function contentOf(bytes: Buffer): Content {
  return { length: bytes.length, read: () => bytes, chunks: () => [bytes] };
}
