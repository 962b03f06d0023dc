/**
 * Says whether the daemon's loop makes progress. Before each phase the loop sets a time limit for
 * it, and a loop that hangs exceeds the limit. Checking the event loop is not enough: it also runs
 * while the daemon waits for something that never happens.
 */
export interface Liveness {
  /** Starts a phase that lasts at most `ms`. Some slack is added. */
  allow(ms: number): void;
  isAlive(): boolean;
}

/** Time for work between two phases, for example a reload, and for a busy machine. */
const SLACK_MS = 5 * 60_000;

/** `now` is in ms, and is not affected by changes of the clock. */
export function startLiveness(now: () => number = () => performance.now()): Liveness {
  let deadline = now() + SLACK_MS;
  return {
    allow(ms) {
      deadline = now() + ms + SLACK_MS;
    },
    isAlive: () => now() < deadline,
  };
}
