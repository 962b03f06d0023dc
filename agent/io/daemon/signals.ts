/** Signals only abort or wake; what they ask for is done between steps. */

/** Aborts on the first SIGTERM or SIGINT, or another one that is given, with the signal's name as the reason's message. */
export function stopOnSignals(...others: readonly NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', ...others] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  return stop.signal;
}

/** SIGHUP and SIGUSR1, kept until the loop asks. */
export interface Wakes {
  /** Aborts at the next signal, or at once while one is waiting. */
  readonly wake: AbortSignal;
  /** The signals since the last call. */
  take(): { readonly reload: boolean; readonly runNow: boolean };
}

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
  return {
    get wake() {
      return AbortSignal.any([stop, controller.signal]);
    },
    take() {
      const taken = waiting;
      waiting = { reload: false, runNow: false };
      controller = new AbortController();
      return taken;
    },
  };
}
