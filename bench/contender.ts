import type { Command, Cost } from './measure.ts';

/**
 * One side of a comparison: Miyamoto, or what a user would run instead. It is set up and has
 * already run once.
 */
export interface Contender {
  readonly command: Command;
  /** Prepares a newer release for the next run, with this text in a managed file. Not measured. */
  release?(text: string): Promise<void>;
  /** Throws when the run did not end as wanted. */
  check?(cost: Cost, wanted: 'unchanged' | 'changed'): Promise<void>;
}
