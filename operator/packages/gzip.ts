import { constants, gzipSync } from 'node:zlib';

const SYSTEM = 9; // the byte of the header that says on which system it was made
const UNKNOWN_SYSTEM = 255;

/** The same bytes on every system. */
export function gzip(bytes: Uint8Array, level = constants.Z_BEST_COMPRESSION): Buffer {
  const compressed = gzipSync(bytes, { level });
  compressed[SYSTEM] = UNKNOWN_SYSTEM;
  return compressed;
}
