/**
 * Signal handlers only abort or wake. The work that a signal asks for is done between two steps.
 */

/**
 * Returns a signal that aborts on the first SIGTERM, SIGINT or one of `others`. The message of its
 * reason has the name.
 */
export function stopOnSignals(...others: readonly NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', ...others] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  return stop.signal;
}

/** SIGHUP and SIGUSR1, stored until the loop asks for them. SIGUSR2 only ends the loop's sleep. */
export interface Wakes {
  /** Aborts at the next signal, or at once when one is stored. */
  readonly wake: AbortSignal;
  /** Returns the signals since the last call. */
  drain(): { readonly reload: boolean; readonly runNow: boolean };
}

/**
 * Makes the daemon look for a request of `mm-agent run`. Unlike SIGUSR1 it may come once too often:
 * without a request it does nothing.
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
