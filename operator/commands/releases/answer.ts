import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { ReleaseAnswer } from '../../answers.ts';

/** A release as `--json` prints it. */
export function releaseAnswer({ sha256, length, custom }: OfferedRelease): ReleaseAnswer {
  const { version, release, commit, branch = null, created, by, reason, hold, stop } = custom;
  const { minAgent } = custom;
  const pause = custom.pause === undefined ? null : { ...custom.pause };
  const content = { version, release, sha256, length, commit, branch };
  return { ...content, created, by, reason, hold, stop, pause, minAgent };
}

/** Says which hosts install the release. */
function agentsText(minAgent: string): string {
  return `only for agents from ${JSON.stringify(printable(minAgent, 64))} on`;
}

/** A release as a table row: version, time, publisher, commit, sha256, remarks. */
export function releaseCells(release: ReleaseAnswer): string[] {
  const { version, created, by, commit, sha256, branch, reason, hold, stop, pause } = release;
  const agents = release.minAgent === null ? '' : agentsText(release.minAgent);
  const state = [hold ? 'on hold' : '', stop ? 'stopped' : ''].filter(Boolean).join(', ');
  const paused = pause === null || state === '' ? state : `${state}: ${pause.reason}`;
  const from = branch === null ? '' : `branch ${branch}`;
  const notes = [paused, agents, from, reason].filter(Boolean);
  return [
    printable(version, 64),
    created.replace(/\.\d+Z$/, 'Z'),
    printable(by, 60),
    commit?.slice(0, 10) ?? 'work tree',
    sha256.slice(0, 12),
    printable(notes.join('; '), 120),
  ];
}
