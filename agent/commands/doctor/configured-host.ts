import type { Config } from '../../config/config.ts';
import type { HostState } from '../../core/state.ts';
import type { Identity } from '../../core/status/status.ts';
import type { HostPaths } from '../../paths.ts';

/** A host whose configuration can be read. */
export interface ConfiguredHost {
  readonly paths: HostPaths;
  readonly config: Config;
  readonly identity: Identity;
  readonly state: HostState;
  /** `--other-tree`. */
  readonly otherTree: string | undefined;
}
