import type { OfferedRelease } from '../../bucket/documents/release.ts';

/** git shows commits with at least 7 digits. */
const MIN_COMMIT = 7;
const MIN_SHA256 = 8;

/** How a person can name a release. */
export const RELEASE_NAMES = 'version, commit or sha256';

/**
 * Whether a person means this release: by its version, the id of its publication, or the first
 * digits of its commit or its sha256. A name can fit several releases.
 */
export function isNamed({ sha256, custom }: OfferedRelease, name: string): boolean {
  const { version, release, commit } = custom;
  if (version === name || release === name) return true;
  const digits = name.toLowerCase();
  if (digits.length >= MIN_SHA256 && sha256.startsWith(digits)) return true;
  return digits.length >= MIN_COMMIT && commit?.startsWith(digits) === true;
}
