/** A line of the product that keeps an invariant, and the test that must fail without it. */
export interface Guard {
  /** One of `INVARIANTS`, or the attack or setting that the line is for. */
  readonly invariant: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** Occurs exactly once in the file; may be a part of a line. */
  readonly line: string;
  /** The text that replaces it when the guard is removed. */
  readonly instead: string;
  /** The test's file. */
  readonly test: string;
  /** Regular expression for the name of one or several tests. */
  readonly name: string;
}
