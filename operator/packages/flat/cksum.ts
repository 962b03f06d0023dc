const POLYNOMIAL = 0x04c11db7;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? POLYNOMIAL : 0);
  return value;
});

/** The checksum of cksum(1) of POSIX. It is another one than the CRC-32 of `node:zlib`. */
export function cksum(bytes: Uint8Array): number {
  let value = 0;
  const add = (byte: number): void => {
    value = (value << 8) ^ (TABLE[(value >>> 24) ^ byte] ?? 0);
  };
  for (const byte of bytes) add(byte);
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) {
    add(length % 256);
  }
  return ~value >>> 0;
}
