export interface BomEntry {
  readonly path: string;
  readonly mode: number;
  readonly user: number;
  readonly group: number;
  readonly time: number;
  readonly size: number;
  readonly checksum: number;
}

const FREE_LIST_BYTES = 20;
const METADATA_BYTES = { file: 35, directory: 31 };

/**
 * Reads a bill of materials as bom.h and lsbom.cpp of bomutils do. Throws for what they read and
 * lsbom of macOS does not: no free list, a short record of a file, paths that are out of order.
 */
export function listBom(bom: Buffer): BomEntry[] {
  if (bom.toString('latin1', 0, 8) !== 'BOMStore') throw new Error('no bill of materials');
  const [, blocks = 0, indexAt = 0, indexBytes = 0, variablesAt = 0] = integers(bom, 8, 6);
  if (indexAt + indexBytes !== bom.length) throw new Error('the index is not at the end');
  if (blocks !== bom.readUInt32BE(indexAt) - 1) throw new Error('another number of blocks');
  if (indexBytes !== 4 + 8 * (blocks + 1) + FREE_LIST_BYTES) throw new Error('no free list');
  const block = (number: number): Buffer => {
    const [at = 0, length = 0] = integers(bom, indexAt + 4 + 8 * number, 2);
    return bom.subarray(at, at + length);
  };
  const tree = block(variable(bom, variablesAt, 'Paths'));
  const [child = 0, , count = 0] = integers(tree, 8, 3);
  const leaf = block(child);
  if (leaf.readUInt16BE(0) !== 1 || leaf.readUInt16BE(2) !== count) throw new Error('no leaf');
  const paths = new Map<number, string>();
  let previous = '';
  return Array.from({ length: count }, (_, at) => {
    const [info = 0, file = 0] = integers(leaf, 12 + 8 * at, 2);
    const [id = 0, metadata = 0] = integers(block(info), 0, 2);
    const name = block(file).toString('utf8', 4, block(file).length - 1);
    const key = block(file).toString('latin1'); // the number of the parent, and the name
    if (key <= previous) throw new Error(`${name} is out of order`);
    previous = key;
    const parent = paths.get(block(file).readUInt32BE(0));
    const path = parent === undefined ? name : `${parent}/${name}`;
    paths.set(id, path);
    return { path, ...entryOf(block(metadata)) };
  });
}

function entryOf(block: Buffer): Omit<BomEntry, 'path'> {
  const wanted = METADATA_BYTES[block.readUInt8(0) === 1 ? 'file' : 'directory'];
  if (block.length !== wanted) throw new Error(`a record has ${block.length} bytes`);
  const [user = 0, group = 0, time = 0, size = 0] = integers(block, 6, 4);
  return { mode: block.readUInt16BE(4), user, group, time, size, checksum: block.readUInt32BE(23) };
}

function variable(bom: Buffer, start: number, wanted: string): number {
  let at = start + 4;
  for (let count = bom.readUInt32BE(start); count > 0; count--) {
    const end = at + 5 + bom.readUInt8(at + 4);
    if (bom.toString('latin1', at + 5, end) === wanted) return bom.readUInt32BE(at);
    at = end;
  }
  throw new Error(`no variable ${wanted}`);
}

function integers(bytes: Buffer, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => bytes.readUInt32BE(start + 4 * at));
}
