import type { Clock } from '../../agent/ports.ts';

/** A clock that only moves when something sleeps on it, and then jumps. Nothing really waits. */
export class FakeClock implements Clock {
  readonly sleeps: number[] = [];
  #now: number;
  readonly #onSleep: (ms: number) => void;

  constructor(now: number, onSleep: (ms: number) => void = () => undefined) {
    this.#now = now;
    this.#onSleep = onSleep;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    this.sleeps.push(ms);
    this.#now += ms;
    this.#onSleep(ms);
  }
}
