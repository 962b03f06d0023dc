import { dueRetry, type Retry } from './retry.ts';

/** A run that was noop only because `apply_window` was closed. */
export interface RunOutsideWindow {
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
  /** The name is that of the key in `state.json`. */
  readonly held: RunOutsideWindow | null;
  /** A run was deferred, and none has been made since then. */
  readonly wasDeferred: boolean;
}

/**
 * Returns why Puppet must run although nobody requested it, nothing is new and no schedule is due;
 * undefined when no run is due. Called by the daemon at each poll and by each cycle. `active` is
 * the sha256 of the active release, `now` is in ms since 1970. While the window is closed, a
 * release runs once, as noop.
 */
export function owedRun(
  { lastRun, retry, held, wasDeferred }: RunMemory,
  active: string | undefined,
  { now, isWindowOpen }: { readonly now: number; readonly isWindowOpen: boolean },
): string | undefined {
  const wasOutsideWindow = held !== null && held.release === active;
  // Happens when a cycle is killed between activation and the end of the run.
  const isMissing = lastRun !== active && (isWindowOpen || !wasOutsideWindow);
  if (isMissing) return 'the active release has not completed a run yet';
  if (!isWindowOpen) return undefined;
  if (wasDeferred) return 'a deferred run is due';
  return wasOutsideWindow && held.isOwed
    ? 'apply_window is open again'
    : dueRetry(retry, active, now);
}
