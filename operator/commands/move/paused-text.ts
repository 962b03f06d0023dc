import { printable } from '../../../shared/clean-text.ts';

/** A release as signed, or as an answer has it. */
interface Pausable {
  readonly hold: boolean;
  readonly stop: boolean;
  readonly pause?: { readonly by: string; readonly reason: string } | null | undefined;
  readonly reason: string;
}

/** What a hold or a stop does, why, and who did it; undefined without one. */
export function pausedText(release: Pausable | null | undefined): string | undefined {
  if (release == null || !(release.hold || release.stop)) return undefined;
  const state = release.stop
    ? 'stopped: hosts do not run Puppet'
    : 'on hold: hosts take no release';
  return `${state}; ${whyPaused(release)}`;
}

/** `it is Friday (Ann Lee@laptop)`. */
export function whyPaused({ pause, reason }: Pick<Pausable, 'pause' | 'reason'>): string {
  return printable(pause == null ? reason : `${pause.reason} (${pause.by})`, 300);
}
