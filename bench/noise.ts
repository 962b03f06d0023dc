import { median, middleHalf } from './statistics.ts';

/** A loop that always does the same: the variation of its time is the variation of the machine. */
export class Noise {
  readonly #ms: number[] = [];

  /** Blocks for some 30 ms. */
  sample(): void {
    const startedAt = performance.now();
    let sum = 0;
    for (let i = 0; i < 20_000_000; i += 1) sum = (sum + i * 31) % 1_000_003;
    // The sum is used, so that no compiler removes the loop.
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
  /** Divided by the median. */
  readonly middleHalf: readonly [number, number];
  readonly worst: number;
}
