import { dueRetry, type Retry } from './retry.ts';

/** A run that was only noop because `apply_window` was closed. */
export interface HeldRun {
  /** sha256 of the release. */
  readonly release: string;
  /** Something would have changed, or the noop run failed. */
  readonly isOwed: boolean;
}

/** What the host remembers of its last runs. */
export interface RunMemory {
  /** sha256 of the release that the last completed run applied. */
  readonly lastRun: string | undefined;
  readonly retry: Retry | null;
  readonly held: HeldRun | null;
  /** A run was deferred, and none has been made since then. */
  readonly wasDeferred: boolean;
}

/**
 * Why Puppet must run although nobody asked, nothing is new and no schedule is due; undefined when
 * it must not. The daemon asks this at each poll, and a cycle decides by it. `active` is the sha256
 * of the active release, `now` is in ms since 1970. While the window is closed a release is run
 * once, as noop.
 */
export function owedRun(
  { lastRun, retry, held, wasDeferred }: RunMemory,
  active: string | undefined,
  { now, isWindowOpen }: { readonly now: number; readonly isWindowOpen: boolean },
): string | undefined {
  const isHeld = held !== null && held.release === active;
  // A cycle was killed between activation and the end of the run.
  const isMissing = lastRun !== active && (isWindowOpen || !isHeld);
  if (isMissing) return 'the active release has not completed a run yet';
  if (!isWindowOpen) return undefined;
  if (wasDeferred) return 'a deferred run is due';
  return isHeld && held.isOwed ? 'apply_window is open again' : dueRetry(retry, active, now);
}
