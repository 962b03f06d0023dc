/**
 * The largest file of each type that is read, in bytes with signatures (TUF 5.3.3, 5.4.1, 5.5.1,
 * 5.6.1). Hosts and mm have the same limits: mm must be able to replace whatever hosts accept. A
 * larger root would stop every host forever, because they need it to reach any newer one.
 */
export const MAX_FILE_BYTES = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 2_000_000,
  targets: 5_000_000,
} as const;

export type FileType = keyof typeof MAX_FILE_BYTES;

/** The limit for a file by its name, `7.env-stable.json`: every delegated role is of one type. */
export function maxBytesOf(file: string): number {
  const [, role = ''] = /^(?:\d+\.)?(root|timestamp|snapshot)\.json$/.exec(file) ?? [];
  return MAX_FILE_BYTES[role === '' ? 'targets' : (role as FileType)];
}

/** The limit for the signed part that mm makes: an eighth is left for signatures. */
export function maxSignedBytes(type: FileType): number {
  return (MAX_FILE_BYTES[type] / 8) * 7;
}
