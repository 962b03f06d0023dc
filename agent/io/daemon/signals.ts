/*
 * Signal handlers only abort a signal. The requested work is done by the loop, between two turns.
 */

/**
 * Returns a signal that aborts on the first SIGTERM, SIGINT or one of `others`. The message of its
 * reason names the signal.
 */
export function stopOnSignals(...others: readonly NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', ...others] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  return stop.signal;
}

/**
 * SIGHUP and SIGUSR1 are stored until the loop drains them. SIGUSR2 only ends the sleep of the
 * loop.
 */
export interface Wakes {
  /** Aborts at the next signal, or at once when one is stored. */
  readonly wake: AbortSignal;
  /** Returns the signals since the last call. */
  drain(): { readonly reload: boolean; readonly runNow: boolean };
}

/**
 * Makes the daemon look for a request of `mm-agent run`. Unlike SIGUSR1, an extra signal does
 * nothing when there is no request.
 */
export const REQUEST_SIGNAL = 'SIGUSR2';

export function wakeOnSignals(stop: AbortSignal): Wakes {
  let waiting = { reload: false, runNow: false };
  let controller = new AbortController();
  process.on('SIGHUP', () => {
    waiting = { ...waiting, reload: true };
    controller.abort();
  });
  process.on('SIGUSR1', () => {
    waiting = { ...waiting, runNow: true };
    controller.abort();
  });
  process.on(REQUEST_SIGNAL, () => controller.abort());
  return {
    get wake() {
      return AbortSignal.any([stop, controller.signal]);
    },
    drain() {
      const drained = waiting;
      waiting = { reload: false, runNow: false };
      controller = new AbortController();
      return drained;
    },
  };
}
