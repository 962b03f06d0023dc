import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';

/** A release in a line for people. */
export function releaseName({ sha256, custom }: OfferedRelease): string {
  const { version, commit } = custom;
  const from = commit === null ? 'work tree' : `commit ${commit.slice(0, 10)}`;
  return `${printable(version, 64)} (${from}, sha256 ${sha256.slice(0, 12)})`;
}
