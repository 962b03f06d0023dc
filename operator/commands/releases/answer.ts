import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { ReleaseAnswer } from '../../answers.ts';

/** A release as `--json` prints it. */
export function releaseAnswer({ sha256, length, custom }: OfferedRelease): ReleaseAnswer {
  const { version, release, commit, created, by, reason, hold, stop } = custom;
  return { version, release, sha256, length, commit, created, by, reason, hold, stop };
}

/** A release as a table row: version, time, publisher, commit, remarks. */
export function releaseCells(release: ReleaseAnswer): string[] {
  const { version, created, by, commit, reason, hold, stop } = release;
  const notes = [hold ? 'on hold' : '', stop ? 'stopped' : '', reason].filter(Boolean);
  return [
    printable(version, 64),
    created,
    printable(by, 60),
    commit?.slice(0, 10) ?? 'work tree',
    printable(notes.join('; '), 120),
  ];
}
