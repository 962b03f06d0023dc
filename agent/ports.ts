import type { HostBucket } from '../bucket/bucket.ts';
import type { HookFailure, StatusDocument } from '../bucket/documents/status.ts';
import type { HookInput } from './core/hooks/hook-input.ts';
import type { HookStage } from './core/hooks/stages.ts';
import type { HistoryEntry } from './core/run/history-entry.ts';
import type { PuppetExit, PuppetLine, RunResults } from './core/run/puppet-run.ts';
import type { HostState } from './core/state.ts';
import type { Condition } from './core/when/deferral.ts';

/**
 * The interfaces that the steps need from outside. `io/` implements them, `commands/` connects
 * them, and tests replace them.
 */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly bucket: HostBucket;
  readonly puppet: Puppet;
  readonly hooks: Hooks;
  readonly state: StateStore;
  readonly history: RunHistory;
  /** The first of these conditions that holds. Never throws. */
  condition(conditions: readonly Condition[]): Promise<Condition | undefined>;
  /** Uptime, memory, disk, load, battery. A value that cannot be read is null. Never throws. */
  vitals(): Promise<StatusDocument['vitals']>;
}

/** Keeps the last runs for a person at the host. */
export interface RunHistory {
  /** Adds a run, and what it printed if `runDirectory` has it. Never throws. */
  add(entry: HistoryEntry, runDirectory: string): void;
}

/** Stores what the host remembers between cycles. `save` is atomic and durable. */
export interface StateStore {
  load(): Promise<HostState>;
  save(state: HostState): Promise<void>;
}

export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, stop: AbortSignal): Promise<void>;
}

/** An event is a fixed `noun.verbed`. The names of number fields include the unit. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, unknown>>;

/** The Puppet that is installed on this host. */
export interface PuppetInstall {
  /** Absolute path. */
  readonly path: string;
  readonly version: string;
}

/** Runs the real `puppet apply`. */
export interface Puppet {
  /** Finds Puppet. Throws PUPPET_MISSING with every place that was searched. */
  find(): Promise<PuppetInstall>;
  /**
   * Starts one run and resolves when its whole process group has ended. Throws PUPPET_NOT_STARTED
   * when the program cannot be started, and FILES_MISSING, FILE_UNSAFE or CONFIG_INVALID when the
   * host lacks what the run needs. A failed run is a result, not an error.
   */
  apply(request: ApplyRequest, signal: AbortSignal): Promise<PuppetExit>;
  /**
   * Adopts a run whose agent died: waits for its end, or ends it when its time limit has passed.
   * Undefined when the directory has no record of an active run.
   */
  pickUp(runDirectory: string, signal: AbortSignal): Promise<PickedUp | undefined>;
  /** Reads the files of an ended run, with size limits. Never throws because of their content. */
  read(runDirectory: string, certname: string): Promise<RunResults>;
}

/** The programs of `hooks.d`. */
export interface Hooks {
  /** Whether a stage has a directory. The first call reads one directory; later calls read none. */
  has(stage: HookStage): boolean;
  /**
   * Runs the programs of a stage, one after the other, and logs what they print. Returns those that
   * failed. Never throws.
   */
  run(request: HookRequest, stop: AbortSignal): Promise<readonly HookFailure[]>;
}

/** The input of a hook without what the adapter adds. */
export type HookRequest = Omit<HookInput, 'schemaVersion' | 'log'>;

export interface ApplyRequest {
  /** Letters, digits, `_`, `.` and `-`, at most 64. */
  readonly runId: string;
  /** A new directory for this run only: facts, report, log and the record of the process. */
  readonly runDirectory: string;
  readonly puppet: PuppetInstall;
  /** Directory whose entry `<environment>` is the environment to apply. */
  readonly environmentPath: string;
  readonly environment: string;
  /** The label of the release. */
  readonly releaseLabel: string;
  /** Where a run with an overlay has its own view of the environment. The caller removes it. */
  readonly viewPath: string;
  readonly certname: string;
  readonly noop: boolean;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly debug: boolean;
  /** Added to Puppet's arguments unchanged. */
  readonly extraArguments: readonly string[];
  readonly timeLimitSeconds: number;
  /** Parent of Puppet's own directories (`--root`, tests, demo); undefined: those of the host. */
  readonly privateDirectory: string | undefined;
  /** Receives each line that Puppet prints, unchanged, with its level. */
  onLine(line: PuppetLine): void;
}

export interface PickedUp {
  readonly runId: string;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly noop: boolean;
  readonly exit: PuppetExit;
}
