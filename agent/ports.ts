import type { HostBucket } from '../bucket/bucket.ts';
import type { SlowFact, StatusDocument } from '../bucket/documents/status.ts';
import type { HostState } from './core/state.ts';

/** What the steps need from the world. `io/` implements it, `main.ts` wires it, tests replace it. */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly bucket: HostBucket;
  readonly puppet: Puppet;
  readonly state: StateStore;
  /** Uptime, memory, disk, load, battery; what cannot be read is null. Never throws. */
  vitals(): Promise<StatusDocument['vitals']>;
}

/** What the host remembers between cycles. `save` is atomic and durable. */
export interface StateStore {
  load(): Promise<HostState>;
  save(state: HostState): Promise<void>;
}

export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, stop: AbortSignal): Promise<void>;
}

/** An event is a fixed `noun.verbed`; numbers carry their unit in the field's name. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The Puppet that is installed on this host. */
export interface PuppetInstall {
  /** Absolute path. */
  readonly path: string;
  readonly version: string;
}

/** Runs the real `puppet apply`. */
export interface Puppet {
  /** Finds Puppet. Throws PUPPET_MISSING, naming every place that was looked at. */
  find(): Promise<PuppetInstall>;
  /**
   * Starts one run and resolves when all of its process group is gone. Throws PUPPET_NOT_STARTED if the program cannot
   * be started; how the run went is never an error.
   */
  apply(request: ApplyRequest, signal: AbortSignal): Promise<PuppetExit>;
  /**
   * Takes over a run whose agent died: waits until it is gone or until its limit has passed, then ends it.
   * `undefined` when no run is recorded as under way in that run directory.
   */
  pickUp(runDirectory: string, signal: AbortSignal): Promise<PickedUp | undefined>;
  /** Reads what an ended run left in its directory, bounded; never throws for what it finds there. */
  read(runDirectory: string, certname: string): Promise<RunResults>;
}

export interface ApplyRequest {
  /** Letters, digits, `_`, `.` and `-`, at most 64. */
  readonly runId: string;
  /** A fresh directory of this run's own: facts, report, log and the record of the process lie in it. */
  readonly runDirectory: string;
  readonly puppet: PuppetInstall;
  /** Directory whose entry `<environment>` is the environment to apply. */
  readonly environmentPath: string;
  readonly environment: string;
  readonly certname: string;
  readonly noop: boolean;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly debug: boolean;
  /** Added to Puppet's arguments as they are. */
  readonly extraArguments: readonly string[];
  readonly timeLimitSeconds: number;
  /**
   * Puppet's own directories below here instead of the host's (`--root`, tests, demo); undefined: the host's.
   */
  readonly privateDirectory: string | undefined;
  /** Each line that Puppet prints, as it is, with its level. */
  onLine(line: PuppetLine): void;
}

export interface PuppetLine {
  readonly level: LogLevel;
  readonly text: string;
}

export type PuppetExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** `why`: the time limit passed, the agent was told to stop, or somebody else ended Puppet. */
  | { readonly kind: 'killed'; readonly signal: string; readonly why: KilledBy }
  /** Gone, and nobody was there to see how: a run that was picked up. */
  | { readonly kind: 'unseen' };

export type KilledBy = 'time-limit' | 'stopped' | 'foreign';

export interface PickedUp {
  readonly runId: string;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly noop: boolean;
  readonly exit: PuppetExit;
}

/** What a run left in its directory. */
export interface RunResults {
  /** Puppet's report as parsed JSON; undefined when there is none that can be read. */
  readonly report: unknown;
  /** The facts of the run by name, as parsed JSON; undefined when there are none that can be read. */
  readonly facts: unknown;
  /** The first lines that Puppet printed as errors. */
  readonly errors: readonly string[];
  /** Facts that took long, the slowest first; left out when none did. */
  readonly slowFacts?: readonly SlowFact[];
  /** Why the report or the facts could not be read though they are there. */
  readonly problems: readonly string[];
}
