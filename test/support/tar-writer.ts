import { gzipSync } from 'node:zlib';

/** Writes tar archives header by header, so that a test can write what no honest tool writes. */
export interface TarEntry {
  /** As it goes into the 100 bytes of the name field. */
  readonly path: string | Buffer;
  /**
   * The type flag: '0' file, '1' hard link, '2' symbolic link, '5' directory, 'x' extended header
   * ...
   */
  readonly type?: string;
  readonly mode?: number;
  readonly linkpath?: string;
  readonly prefix?: string;
  readonly content?: string | Buffer;
  /** What the header claims; by default the content's length. */
  readonly size?: number;
  /** Added to the right checksum. */
  readonly checksumError?: number;
}

const BLOCK = 512;

/** Header and content of one entry. */
export function tarEntry(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header(entry, entry.size ?? content.length), content, padding]);
}

/** An extended header (`x`), or a global one (`g`), for what follows. */
export function paxEntry(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const content = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return tarEntry({ path: 'PaxHeader', type, content: content.join('') });
}

/** GNU's long name (`L`) or long link target (`K`) for what follows. */
export function gnuLongEntry(text: string, type: 'L' | 'K' = 'L'): Buffer {
  return tarEntry({ path: '././@LongLink', type, content: `${text}\0` });
}

/** A whole archive, or one without its end-of-archive mark. */
export function tarArchive(
  entries: readonly (TarEntry | Buffer)[],
  { end = true }: { readonly end?: boolean } = {},
): Buffer {
  const parts = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : tarEntry(entry)));
  return Buffer.concat(end ? [...parts, Buffer.alloc(2 * BLOCK)] : parts);
}

export function tarGz(entries: readonly (TarEntry | Buffer)[]): Buffer {
  return gzipSync(tarArchive(entries));
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  Buffer.from(entry.path).copy(block, 0, 0, 100);
  block.write(octal(entry.mode ?? 0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(1_700_000_000, 12), 136);
  block.write(entry.type ?? '0', 156);
  block.write(entry.linkpath ?? '', 157, 100);
  block.write('ustar\x0000', 257);
  block.write(entry.prefix ?? '', 345, 155);
  writeChecksum(block, entry.checksumError ?? 0);
  return block;
}

/** Corrects the checksum of a header after a byte of it was changed. */
export function writeChecksum(block: Buffer, error = 0): void {
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0) + error;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

function octal(value: number, width: number): string {
  return `${Math.abs(value)
    .toString(8)
    .padStart(width - 1, '0')}\0`;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}
