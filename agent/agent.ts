import type { Config } from './config/config.ts';
import type { Trigger } from './core/decide.ts';
import type { Prefetched } from './core/poll-result.ts';
import type { Identity } from './core/status/status.ts';
import type { HostPaths } from './paths.ts';
import type { Ports } from './ports.ts';

/** An agent as `main` wires it: who the host is, what it is configured to do, and its ways to the world. */
export interface Agent {
  readonly identity: Identity;
  readonly config: Config;
  readonly paths: HostPaths;
  /** The installed trust root: the bytes of `root.json`. */
  readonly packagedRoot: Uint8Array;
  readonly packagedSeeds?: PackagedSeeds | undefined;
  readonly ports: Ports;
}

/** `timestamp.json` and `snapshot.json` that were installed with the root: a fresh host takes nothing older. */
export interface PackagedSeeds {
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
}

/** What one cycle is asked to do; options of `mm-agent --once` on top of the configuration. */
export interface CycleRequest {
  readonly trigger: Trigger;
  readonly noop: boolean;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly debug: boolean;
  /** timestamp.json, if the daemon has just read it. */
  readonly prefetched: Prefetched | undefined;
  /** Aborts when the cycle lock is somebody else's: from then on nothing may be written. */
  readonly lockLost: AbortSignal;
}
