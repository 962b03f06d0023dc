import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/*
 * The archive around a package, as https://github.com/mackyle/xar/wiki/xarformat describes it: a
 * header, a compressed table of contents in XML, and a heap with the contents. The heap begins with
 * the digest of the table.
 */

export interface XarFile {
  /** `Distribution`, or `x.pkg/Bom`. */
  readonly path: string;
  readonly content: Uint8Array;
  /** The content is compressed already. */
  readonly isStored?: boolean;
}

const HEADER_BYTES = 28;
const SHA1 = 1;
const SHA1_BYTES = 20;

/** Files of one directory follow each other. `time` is that of the archive. */
export function xarArchive(files: readonly XarFile[], time: number): Buffer {
  const heap: Uint8Array[] = [];
  let [at, id] = [SHA1_BYTES, 0];
  const fileXml = ({ path, content, isStored = false }: XarFile): string => {
    const archived = isStored ? content : deflateSync(content);
    const encoding = isStored ? 'application/octet-stream' : 'application/x-gzip';
    const offset = at;
    heap.push(archived);
    at += archived.length;
    return element(++id, path, 'file', [
      '<mode>0644</mode>',
      '<data>',
      `<length>${archived.length}</length><offset>${offset}</offset><size>${content.length}</size>`,
      `<encoding style="${encoding}"/>`,
      `<extracted-checksum style="sha1">${sha1(content)}</extracted-checksum>`,
      `<archived-checksum style="sha1">${sha1(archived)}</archived-checksum>`,
      '</data>',
    ]);
  };
  const byFolder = Map.groupBy(files, ({ path }) => /^(.*)\//.exec(path)?.[1]);
  const listed = [...byFolder].flatMap(([folder, inside]) => {
    if (folder === undefined) return inside.map(fileXml);
    const number = ++id;
    return element(number, folder, 'directory', ['<mode>0755</mode>', ...inside.map(fileXml)]);
  });
  const xml = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<xar><toc>',
    `<creation-time>${new Date(time * 1000).toISOString().slice(0, 19)}</creation-time>`,
    `<checksum style="sha1"><size>${SHA1_BYTES}</size><offset>0</offset></checksum>`,
    ...listed,
    '</toc></xar>',
    '',
  ].join('\n');
  const table = deflateSync(xml);
  const digest = createHash('sha1').update(table).digest();
  return Buffer.concat([header(table.length, Buffer.byteLength(xml)), table, digest, ...heap]);
}

/** A name is the last part of its path: the element of a directory contains those of its files. */
function element(id: number, path: string, type: string, inside: readonly string[]): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const owner = '<uid>0</uid><gid>0</gid>';
  const head = `<file id="${id}"><name>${name}</name><type>${type}</type>${owner}`;
  return [head, ...inside, '</file>'].join('\n');
}

function header(compressed: number, uncompressed: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write('xar!');
  bytes.writeUInt16BE(HEADER_BYTES, 4);
  bytes.writeUInt16BE(1, 6);
  bytes.writeBigUInt64BE(BigInt(compressed), 8);
  bytes.writeBigUInt64BE(BigInt(uncompressed), 16);
  bytes.writeUInt32BE(SHA1, 24);
  return bytes;
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}
