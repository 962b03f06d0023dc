import { AGENT_GUARDS } from './guards-agent.ts';
import { LIMIT_GUARDS } from './guards-limits.ts';
import { PUBLISHER_GUARDS } from './guards-publisher.ts';
import { READER_GUARDS } from './guards-reader.ts';

/** A line of the product that keeps an invariant, and the test that must miss it. */
export interface Guard {
  /** One of `INVARIANTS`, or the attack or setting that the line is there for. */
  readonly invariant: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** There exactly once; may be a part of a line. */
  readonly line: string;
  /** What stands there with the guard taken out. */
  readonly instead: string;
  /** The test's file. */
  readonly test: string;
  /** Expression for the name of the test, or of several. */
  readonly name: string;
}

export const GUARDS: readonly Guard[] = [
  ...READER_GUARDS,
  ...LIMIT_GUARDS,
  ...AGENT_GUARDS,
  ...PUBLISHER_GUARDS,
];
