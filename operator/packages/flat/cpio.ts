import { IS_DIRECTORY, IS_FILE, type Item, rooted } from './payload.ts';

/*
 * The portable format of cpio, which pkgbuild(1) writes: a header of octal numbers, then the file.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "cpio Interchange Format"
 */

const BLOCK = 512;

/** `items` are in order, with their directories; `time` is that of all of them. */
export function cpioArchive(items: readonly Item[], time: number): Buffer {
  const parts = rooted(items).flatMap(({ path, mode, content }, at) => {
    const type = content === undefined ? IS_DIRECTORY : IS_FILE;
    return entry(path, { inode: at + 1, mode: type | mode, time, content });
  });
  parts.push(...entry('TRAILER!!!', { inode: 0, mode: 0, time: 0 }));
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([...parts, Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK)]);
}

interface Entry {
  readonly inode: number;
  readonly mode: number;
  readonly time: number;
  readonly content?: Uint8Array | undefined;
}

function entry(path: string, { inode, mode, time, content }: Entry): Uint8Array[] {
  const [device, user, group, links, special] = [0, 0, 0, 1, 0];
  const header = [
    '070707',
    ...[device, inode, mode, user, group, links, special].map((field) => octal(field, 6)),
    octal(time, 11),
    octal(Buffer.byteLength(path) + 1, 6),
    octal(content?.length ?? 0, 11),
    `${path}\0`,
  ].join('');
  return [Buffer.from(header), content ?? Buffer.alloc(0)];
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
