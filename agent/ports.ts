import type { Bucket } from '../bucket/bucket.ts';

/** What the steps need from the world. `io/` implements it, `main.ts` wires it, tests replace it. */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly bucket: Bucket;
  readonly puppet: Puppet;
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
  /** Starts one run and resolves when all of its process group is gone. */
  apply(request: ApplyRequest, signal: AbortSignal): Promise<PuppetExit>;
  /**
   * Takes over a run whose agent died: waits until it is gone or until its limit has passed, then ends it.
   * `undefined` when no run is recorded as under way in that run directory.
   */
  pickUp(runDirectory: string, signal: AbortSignal): Promise<PickedUp | undefined>;
}

export interface ApplyRequest {
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
  | {
      readonly kind: 'killed';
      readonly signal: string;
      readonly why: 'time-limit' | 'stopped' | 'foreign';
    };

export interface PickedUp {
  readonly runId: string;
  readonly startedAt: number;
  /** `exited` has no code: the parent that could have seen it is gone. */
  readonly end: 'exited' | 'killed';
}
