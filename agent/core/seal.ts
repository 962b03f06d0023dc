import { createHash } from 'node:crypto';

/**
 * JSON that this program wrote for itself, with a digest in it. Where the digest is right the value is whole, nobody has
 * edited it, and it was written for the same `key` (this very version, these inputs): it need not be checked against its
 * schema again. Nothing that others may write is taken on the word of a seal; anybody can compute one.
 */
export function seal(value: object, key: string): string {
  return JSON.stringify({ ...value, seal: digest(value, key) });
}

/** The value, if the seal is right. */
export function unseal(value: unknown, key: string): object | undefined {
  if (typeof value !== 'object' || value === null || !('seal' in value)) return undefined;
  const { seal: found, ...rest } = value;
  return found === digest(rest, key) ? rest : undefined;
}

function digest(value: object, key: string): string {
  return createHash('sha256')
    .update(`${key}\n${JSON.stringify(value)}`)
    .digest('hex');
}
