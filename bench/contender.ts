import type { Command, Cost } from './measure.ts';

/** Who does the work: Miyamoto, or what a user would run instead. It is ready, and has been run before. */
export interface Contender {
  readonly command: Command;
  /** The next run finds a newer release, with this text in a file that it manages. Not part of what is measured. */
  release?(text: string): Promise<void>;
  /** Throws when a run did not end so. */
  check?(cost: Cost, wanted: 'unchanged' | 'changed'): Promise<void>;
}
