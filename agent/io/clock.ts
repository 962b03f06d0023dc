import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

/** The clock of the host. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, stop) {
    try {
      await setTimeout(ms, undefined, { signal: stop });
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  },
};
