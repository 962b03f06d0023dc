import type { CodedError } from '../shared/coded-error.ts';
import type { Config } from './config/config.ts';
import type { Trigger } from './core/decide.ts';
import type { Prefetched } from './core/poll-result.ts';
import type { Identity } from './core/status/status.ts';
import type { Pin } from './core/when/pin.ts';
import type { HostPaths } from './paths.ts';
import type { Ports } from './ports.ts';

/** Everything that a cycle needs: the identity of the host, its configuration, and the ports. */
export interface Agent {
  readonly identity: Identity;
  readonly config: Config;
  readonly paths: HostPaths;
  /** Set by `mm-agent pin`: the environment or release that this host follows for a time. */
  readonly pin?: Pin | undefined;
  /** The installed trust root: the bytes of `root.json`. */
  readonly packagedRoot: Uint8Array;
  readonly packagedSeeds?: PackagedSeeds | undefined;
  readonly ports: Ports;
}

/**
 * `timestamp.json` and `snapshot.json` that were installed with the root: the rollback floor of a
 * new host.
 */
export interface PackagedSeeds {
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
}

/** What one cycle must do: the options of `mm-agent --once` on top of the configuration. */
export interface CycleRequest {
  readonly trigger: Trigger;
  readonly noop: boolean;
  /**
   * A noop run by hand, of another environment or for `mm-agent diff`. It changes neither the state
   * of this host nor its status in the bucket.
   */
  readonly isTrial: boolean;
  /** For `mm-agent diff`: run the active release, and do not read the bucket. */
  readonly keepsRelease: boolean;
  /** Puppet prints the differences of files. */
  readonly showDiff: boolean;
  /** Run although `apply_window` is closed. */
  readonly ignoreWindow: boolean;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly debug: boolean;
  /** timestamp.json, when the poll of the daemon has just read it. */
  readonly prefetched: Prefetched | undefined;
  /** Aborts when this cycle loses its lock. From then on it must not write anything. */
  readonly lockLost: AbortSignal;
  /** The error of the disk that prevented the lock. A cycle without its lock only reports. */
  readonly lockError?: CodedError | undefined;
}
