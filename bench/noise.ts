import { median, middleHalf } from './statistics.ts';

/** A loop that does the same nothing each time: what its time varies by, the machine varies by. */
export class Noise {
  readonly #ms: number[] = [];

  /** Blocks for some 30 ms. */
  sample(): void {
    const startedAt = performance.now();
    let sum = 0;
    for (let i = 0; i < 20_000_000; i += 1) sum = (sum + i * 31) % 1_000_003;
    // Used, so that no compiler leaves the loop out.
    if (sum >= 0) this.#ms.push(performance.now() - startedAt);
  }

  get summary(): NoiseSummary {
    const middle = median(this.#ms);
    const [low, high] = middleHalf(this.#ms);
    return {
      samples: this.#ms.length,
      medianMs: middle,
      middleHalf: [low / middle, high / middle],
      worst: Math.max(...this.#ms) / middle,
    };
  }
}

export interface NoiseSummary {
  readonly samples: number;
  readonly medianMs: number;
  /** As shares of the median. */
  readonly middleHalf: readonly [number, number];
  readonly worst: number;
}
