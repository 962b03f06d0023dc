/*
 * The header structure of an rpm: tags with typed values, an index of 16 bytes for each, and a
 * region, which is an entry that covers all others, so that a digest of the header is meaningful.
 * https://rpm-software-management.github.io/rpm/manual/format_header.html
 */

/** The value of a tag. */
export type Value =
  | { readonly int16: readonly number[] }
  | { readonly int32: readonly number[] }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  /** Text that could be translated. */
  | { readonly text: string }
  | { readonly bytes: Buffer };

const MAGIC = Buffer.from('8eade80100000000', 'hex');
const ENTRY_BYTES = 16;
const BINARY = 7;

/** `region` is the tag that covers all others: 62 in a signature, 63 in the header itself. */
export function rpmHeader(region: number, values: Readonly<Record<number, Value>>): Buffer {
  // Integer keys come in ascending order, as rpm expects them.
  const tags = Object.entries(values).map(([tag, value]) => ({
    tag: Number(tag),
    ...encode(value),
  }));
  const count = tags.length + 1;
  const index: Buffer[] = [];
  const store: Buffer[] = [];
  let at = 0;
  const append = (bytes: Buffer) => {
    store.push(bytes);
    at += bytes.length;
  };
  for (const { tag, type, alignment, items, bytes } of tags) {
    append(Buffer.alloc((alignment - (at % alignment)) % alignment));
    index.push(int32(tag, type, at, items));
    append(bytes);
  }
  index.unshift(int32(region, BINARY, at, ENTRY_BYTES));
  append(int32(region, BINARY, -count * ENTRY_BYTES, ENTRY_BYTES));
  return Buffer.concat([MAGIC, int32(count, at), ...index, ...store]);
}

interface Encoded {
  readonly type: number;
  readonly alignment: number;
  readonly items: number;
  readonly bytes: Buffer;
}

function encode(value: Value): Encoded {
  if ('int32' in value) {
    return { type: 4, alignment: 4, items: value.int32.length, bytes: int32(...value.int32) };
  }
  if ('int16' in value) {
    const bytes = Buffer.alloc(2 * value.int16.length);
    for (const [at, number] of value.int16.entries()) bytes.writeUInt16BE(number, 2 * at);
    return { type: 3, alignment: 2, items: value.int16.length, bytes };
  }
  if ('bytes' in value) {
    return { type: BINARY, alignment: 1, items: value.bytes.length, bytes: value.bytes };
  }
  if ('string' in value) return strings(6, [value.string]);
  return 'text' in value ? strings(9, [value.text]) : strings(8, value.strings);
}

function strings(type: number, values: readonly string[]): Encoded {
  const bytes = Buffer.from(values.map((value) => `${value}\0`).join(''));
  return { type, alignment: 1, items: values.length, bytes };
}

/** Big-endian; numbers may be signed or unsigned. */
export function int32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number >>> 0, 4 * at);
  return bytes;
}
