import { createHash } from 'node:crypto';

/**
 * JSON that this program writes for itself, with a checksum in it. When the checksum is right, the
 * value is complete and unchanged, and it was written for the same `key` (this version of the
 * program and the same inputs), so it does not have to be checked against its schema again. The
 * checksum is no protection against an attacker, who can compute one as well.
 */
export function toChecksummedJson(value: object, key: string): string {
  return JSON.stringify({ ...value, checksum: checksumOf(value, key) });
}

/** The value of the parsed JSON without its checksum; undefined when the checksum is wrong. */
export function verifiedValue(parsed: unknown, key: string): object | undefined {
  if (typeof parsed !== 'object' || parsed === null || !('checksum' in parsed)) return undefined;
  const { checksum, ...value } = parsed;
  return checksum === checksumOf(value, key) ? value : undefined;
}

function checksumOf(value: object, key: string): string {
  return createHash('sha256')
    .update(`${key}\n${JSON.stringify(value)}`)
    .digest('hex');
}
