import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser } from 'tar/parse';
import type { ReadEntry } from 'tar/read-entry';
import { CodedError } from '../../shared/coded-error.ts';
import { unsafe } from './unpack-rules.ts';

/** The longest extended header or GNU long name. */
const MAX_META_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;
const TAR_BLOCK_BYTES = 512;

export interface ArchiveReader {
  readonly path: string;
  /** Largest size of the tar stream. A decompression bomb ends here. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Must consume the entry at once, by its `data` and `end` events. An error ends the reading. */
  readonly onEntry: (entry: ReadEntry) => void;
}

/**
 * Reads a gzipped tar file entry by entry. Everything that node-tar only warns about, skips or
 * tolerates is an error here. Throws ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE.
 */
export async function readArchive({
  path,
  maxBytes,
  signal,
  onEntry,
}: ArchiveReader): Promise<void> {
  const tar = new StrictTar((entry) => {
    // Before its bytes are written, not when they have filled the disk.
    if (entry.size > maxBytes) throw tooLarge(maxBytes, entry.path);
    onEntry(entry);
  });
  let bytes = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    createGunzip({ chunkSize: CHUNK_BYTES }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        tar.write(chunk.subarray(0, maxBytes - bytes));
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(maxBytes, tar.lastEntry);
      }
      tar.end();
    },
    { signal },
  ).catch((error: unknown) => {
    throw isGzipError(error) ? damaged(error.message, error) : error;
  });
}

/** The parser is synchronous: an error of a listener is thrown by `write` or `end`. */
class StrictTar {
  lastEntry = '';
  readonly #parser: Parser;
  #head = Buffer.alloc(0);
  #hasBegun = false;
  #hasEnded = false;

  constructor(onEntry: (entry: ReadEntry) => void) {
    this.#parser = new Parser({
      strict: true,
      brotli: false,
      zstd: false,
      maxMetaEntrySize: MAX_META_BYTES,
    });
    this.#parser.on('error', (error: Error) => {
      throw damaged(error.message, error);
    });
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => {
      throw unsafe(entry, `has a type (${entry.type}) or a size that is not allowed in a release`);
    });
    this.#parser.on('meta', (text: string) => {
      // node-tar cuts a name at a NUL. GNU's long names end with one, which is fine.
      if (text.replace(/\0+$/, '').includes('\0')) throw damaged('a NUL in an extended header');
      // What other tools fill with zeros would be written as it is in the archive.
      if (/^\d+ GNU\.sparse\./m.test(text)) throw damaged('a sparse file in an extended header');
    });
    this.#parser.on('eof', () => {
      this.#hasEnded = true;
    });
    this.#parser.on('entry', (entry: ReadEntry) => {
      this.lastEntry = entry.path;
      requirePlainHeaders(entry);
      onEntry(entry);
    });
  }

  write(chunk: Buffer): void {
    // After the end-of-archive mark tar pads with zeros. The parser would keep all of them.
    if (this.#hasEnded) return;
    if (this.#hasBegun) {
      this.#parser.write(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < TAR_BLOCK_BYTES) return;
    // The parser would unzip a second layer, which the size limit on the first does not cover.
    if (this.#head.readUInt16BE(0) === 0x1f8b) throw damaged('it is compressed twice');
    this.#hasBegun = true;
    this.#parser.write(this.#head);
  }

  end(): void {
    this.#parser.end();
    if (!this.#hasEnded) throw damaged('it ends before its end-of-archive mark');
  }
}

/** Global headers may describe the archive (git stores its commit there), but never an entry. */
function requirePlainHeaders(entry: ReadEntry): void {
  const { globalExtended: all, header, size } = entry;
  if (all?.path !== undefined || all?.linkpath !== undefined || all?.size !== undefined) {
    throw unsafe(entry, 'gets its name, target or size from a global header');
  }
  if (header.size === undefined || !Number.isSafeInteger(size) || size < 0) {
    throw unsafe(entry, 'has no readable size');
  }
}

function isGzipError(error: unknown): error is Error {
  return ((error as NodeJS.ErrnoException).code ?? '').startsWith('Z_');
}

function damaged(why: string, cause?: unknown): CodedError {
  return new CodedError(`the release's tarball is not a complete .tar.gz: ${why}`, {
    code: 'ARCHIVE_UNSAFE',
    cause,
    next: 'publish the release again with "mm publish"',
  });
}

function tooLarge(maxBytes: number, lastEntry: string): CodedError {
  return new CodedError(
    `the release unpacks to more than ${maxBytes} bytes; ${JSON.stringify(lastEntry.slice(0, 200))} was the last entry that began below the limit`,
    { code: 'ARCHIVE_TOO_LARGE', next: 'raise releases.max_bytes in agent.yaml' },
  );
}
