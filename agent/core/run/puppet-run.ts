import type { SlowFact } from '../../../bucket/documents/status.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface PuppetLine {
  readonly level: LogLevel;
  readonly text: string;
}

export type PuppetExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** `why`: the time limit passed, the agent had to stop, or another process killed Puppet. */
  | { readonly kind: 'killed'; readonly signal: string; readonly why: KilledBy }
  /** The run ended without an agent, so its exit code is not known. */
  | { readonly kind: 'unseen' };

export type KilledBy = 'time-limit' | 'stopped' | 'foreign';

/** What a run left in its directory. */
export interface RunResults {
  /** Puppet's report as parsed JSON; undefined when it does not exist or cannot be read. */
  readonly report: unknown;
  /** Why the report exists and cannot be read. */
  readonly reportProblem?: string | undefined;
  /** The text of Puppet's `last_run_summary.yaml`. */
  readonly summary?: string | undefined;
  /** The facts of the run as parsed JSON; undefined when they do not exist or cannot be read. */
  readonly facts: unknown;
  /** The first lines that Puppet printed as errors. */
  readonly errors: readonly string[];
  /** Every error that Puppet printed, without `Error: ` and without those of Facter. */
  readonly errorLines?: readonly string[];
  /** The signal that Puppet handled before it ended; left out without one. */
  readonly signal?: string;
  /** Slow facts, the slowest first. Left out when empty. */
  readonly slowFacts?: readonly SlowFact[];
  /** Why facts could not be read or determined. */
  readonly problems: readonly string[];
}
