import type { OfferedRelease, ReleaseCustom } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { Slots } from '../../metadata/slots.ts';
import type { GitPlace } from '../../release/source/git.ts';
import { containsCommit } from '../../release/source/objects.ts';
import type { Doubt } from '../confirm.ts';
import { whyPaused } from './paused-text.ts';
import { releaseName } from './release-name.ts';

export interface DoubtOptions {
  readonly despiteHold?: boolean | undefined;
  readonly older?: boolean | undefined;
  readonly endRollout?: boolean | undefined;
  readonly despiteHalt?: boolean | undefined;
}

/** Doubts about a new release during a hold or a stop. */
export function holdDoubts(
  environment: string,
  custom: Pick<ReleaseCustom, 'hold' | 'stop' | 'pause' | 'reason'> | undefined,
  { despiteHold = false }: DoubtOptions,
): Doubt[] {
  if (custom === undefined || !(custom.hold || custom.stop)) return [];
  const state = custom.stop
    ? 'stopped: its hosts run nothing'
    : 'on hold: its hosts take no release';
  const text = `${environment} is ${state} until mm resume ${environment}; reason: ${whyPaused(custom)}`;
  return [{ text, option: '--despite-hold', isAgreed: despiteHold }];
}

/** Doubts about a release for all hosts during a rollout. */
export function rolloutDoubts(
  environment: string,
  { next }: Slots,
  { endRollout = false }: DoubtOptions,
): Doubt[] {
  if (next === undefined) return [];
  const text = `${environment} is in the middle of a rollout of ${releaseName(next)}, which this ends`;
  return [{ text, option: '--end-rollout', isAgreed: endRollout }];
}

/**
 * Doubts about a release whose rollout was halted. A job that publishes a branch would otherwise
 * offer it again at its next run.
 */
export function haltDoubts(
  environment: string,
  current: OfferedRelease | undefined,
  { release, options }: { readonly release: OfferedRelease; readonly options: DoubtOptions },
): Doubt[] {
  const { halted } = current?.custom ?? {};
  if (halted === undefined) return [];
  // The tarball of a commit has other bytes under another version.
  const isSameCommit = halted.commit !== null && halted.commit === release.custom.commit;
  if (!isSameCommit && halted.sha256 !== release.sha256) return [];
  const [version, by, at] = [halted.version, halted.by, halted.at].map((each) =>
    printable(each, 100),
  );
  const why = halted.reason === '' ? '' : `: ${printable(halted.reason, 300)}`;
  const text = `the rollout of this release for ${environment}, as ${version}, was halted at ${at} by ${by}${why}`;
  return [{ text, option: '--despite-halt', isAgreed: options.despiteHalt === true }];
}

/**
 * Doubts about a commit that does not contain the commit that hosts have now: its author had not
 * pulled, or publishes another branch. The commits in a work tree or in a directory of another
 * program are not known, so these cause no doubt.
 */
export async function olderDoubts(
  place: GitPlace,
  compared: {
    readonly environment: string;
    readonly before: string | null | undefined;
    readonly commit: string | null;
  },
  { older = false }: DoubtOptions,
): Promise<Doubt[]> {
  const { environment, before, commit } = compared;
  if (before === undefined || before === null || commit === null || before === commit) return [];
  const contains = await containsCommit(place, commit, before);
  if (contains === 'yes') return [];
  const [short, of] = [commit.slice(0, 10), before.slice(0, 10)];
  const text =
    contains === 'no'
      ? `commit ${short} does not contain commit ${of}, which ${environment} has now`
      : `${place.directory} does not tell whether commit ${short} contains commit ${of}, which ${environment} has now: git fetch --unshallow, or git fetch`;
  return [{ text, option: '--older', isAgreed: older }];
}
