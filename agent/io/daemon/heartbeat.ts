/**
 * Says whether the daemon's loop makes progress. Before each phase the loop allows itself a time;
 * one that never returns from a phase exceeds it. The event loop alone is no proof: it also turns
 * while the daemon waits for something that never happens.
 */
export interface Heartbeat {
  /** The phase that begins now takes at most so long. A slack is added. */
  allow(ms: number): void;
  isAlive(): boolean;
}

/** For what is between two phases, for example a reload, and for a busy machine. */
const SLACK_MS = 5 * 60_000;

/** `now` is in ms, and is not affected by changes of the clock. */
export function startHeartbeat(now: () => number = () => performance.now()): Heartbeat {
  let deadline = now() + SLACK_MS;
  return {
    allow(ms) {
      deadline = now() + ms + SLACK_MS;
    },
    isAlive: () => now() < deadline,
  };
}
