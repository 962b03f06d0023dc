/**
 * SSH's `string` (RFC 4251, section 5): a length in four bytes, then that many bytes. Keys and
 * signatures are sequences of strings.
 */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The first string of these foreign bytes; undefined when it is truncated. */
export function firstSshString(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 4) return undefined;
  const end = 4 + bytes.readUInt32BE();
  return end <= bytes.length ? bytes.subarray(4, end) : undefined;
}

/** All strings of the bytes; undefined when the bytes are not a sequence of strings. */
export function splitSshStrings(bytes: Buffer): Buffer[] | undefined {
  const found: Buffer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const string = firstSshString(rest);
    if (string === undefined) return undefined;
    found.push(string);
    rest = rest.subarray(4 + string.length);
  }
  return found;
}
