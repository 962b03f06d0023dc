import { cksum } from './cksum.ts';
import { IS_DIRECTORY, IS_FILE, type Item, rooted } from './payload.ts';

/*
 * The bill of materials of a package: what the installer puts where, and what pkgutil(1) later says
 * about it. Apple documents no format. This follows bom.h of
 * https://github.com/hogliux/bomutils, and what https://github.com/hurricanehrndz/embala found
 * with the programs of macOS 26: the order of paths, the checksum, the length of a file's record,
 * and the free list at the end.
 *
 * Numbered blocks of bytes, some of which have a name ("variables"). Blocks refer to each other by
 * number. Integers are big-endian.
 */

const BLOCKS_AT = 512;
/** What fits in one leaf of the tree of paths. */
const MAX_PATHS = 256;

/** `items` have their directories; `time` is that of all of them. */
export function billOfMaterials(items: readonly Item[], time: number): Buffer {
  const blocks = new Blocks();
  const records = byParent(rooted(items));
  if (records.length > MAX_PATHS) {
    throw new Error(`a package can have ${MAX_PATHS} paths, and this one has ${records.length}`);
  }
  blocks.name('BomInfo', blocks.add(u32(1, records.length + 1, 1, 0, 0, 0, 0)));
  const paths = records.map(({ parent, name, item }, at): [number, number] => {
    const metadata = blocks.add(pathMetadata(item, time));
    const leaf = blocks.add(u32(parent), Buffer.from(`${name}\0`));
    return [blocks.add(u32(at + 1, metadata)), leaf];
  });
  blocks.name('Paths', addTree(blocks, paths));
  blocks.name('HLIndex', addTree(blocks, []));
  const versions = addTree(blocks, []);
  blocks.name('VIndex', blocks.add(u32(1, versions, 0), Buffer.of(0)));
  blocks.name('Size64', addTree(blocks, []));
  return blocks.toFile();
}

interface PathRecord {
  /** The number of the directory, from 1. */
  readonly parent: number;
  readonly name: string;
  readonly item: Item;
}

/** Sorted by the number of the parent, then by name: lsbom(8) stops at a path out of order. */
function byParent(items: readonly Item[]): PathRecord[] {
  const numbers = new Map<string, number>();
  const records: PathRecord[] = [];
  const levels = Map.groupBy(items, ({ path }) => path.split('/').length);
  for (const [, level] of [...levels].sort(([a], [b]) => a - b)) {
    const sorted = level
      .map((item) => {
        const name = item.path.slice(item.path.lastIndexOf('/') + 1);
        const parent = numbers.get(item.path.slice(0, -name.length - 1)) ?? 0;
        return { parent, name, item };
      })
      .sort((a, b) => a.parent - b.parent || Buffer.from(a.name).compare(Buffer.from(b.name)));
    for (const record of sorted) numbers.set(record.item.path, records.push(record));
  }
  return records;
}

function pathMetadata({ mode, content }: Item, time: number): Buffer {
  const isFile = content !== undefined;
  const [allArchitectures, owner] = [15, 0];
  return Buffer.concat([
    Buffer.of(isFile ? 1 : 2, 1),
    u16(allArchitectures, (isFile ? IS_FILE : IS_DIRECTORY) | mode),
    u32(owner, owner, time, content?.length ?? 0),
    Buffer.of(1),
    u32(isFile ? cksum(content) : 0, 0, ...(isFile ? [0] : [])),
  ]);
}

/** A tree with one leaf. Returns its number. */
function addTree(blocks: Blocks, leaf: readonly (readonly [number, number])[]): number {
  const [isLeaf, next, previous] = [1, 0, 0];
  const child = blocks.add(u16(isLeaf, leaf.length), u32(next, previous, ...leaf.flat()));
  return blocks.add(Buffer.from('tree'), u32(1, child, 4096, leaf.length), Buffer.of(0));
}

class Blocks {
  /** The first is always empty: no block has the number 0. */
  readonly #blocks = [Buffer.alloc(0)];
  readonly #variables: Buffer[] = [];

  /** Returns the number of the block. */
  add(...parts: readonly Buffer[]): number {
    return this.#blocks.push(Buffer.concat(parts)) - 1;
  }

  name(name: string, block: number): void {
    this.#variables.push(u32(block), Buffer.of(name.length), Buffer.from(name));
  }

  toFile(): Buffer {
    let at = BLOCKS_AT;
    const places = this.#blocks.flatMap(({ length }) => {
      const place = length === 0 ? [0, 0] : [at, length];
      at += length;
      return place;
    });
    const emptyFreeList = [0, 0, 0, 0, 0];
    const index = u32(this.#blocks.length, ...places, ...emptyFreeList);
    const variables = Buffer.concat([u32(this.#variables.length / 3), ...this.#variables]);
    const headerBytes = 32;
    const header = Buffer.concat([
      Buffer.from('BOMStore'),
      u32(1, this.#blocks.length - 1, at, index.length, headerBytes, variables.length),
      variables,
    ]);
    const start = Buffer.alloc(BLOCKS_AT);
    header.copy(start);
    return Buffer.concat([start, ...this.#blocks, index]);
  }
}

function u16(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt16BE(number, 2 * at);
  return bytes;
}

function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * at);
  return bytes;
}
