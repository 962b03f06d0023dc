import type { Config } from '../../../config/config.ts';

/** What the host adds to a release, by the keys of `agent.yaml` that docs/agent.md describes. */
export interface HostData {
  readonly requireFiles: readonly string[];
  /** Path in the environment to a path on the host. */
  readonly overlay: NonNullable<Config['overlay']>;
  readonly facts: {
    readonly set: Readonly<Record<string, unknown>>;
    readonly files: Readonly<Record<string, string>>;
    readonly knobs: string | undefined;
    readonly knobScripts: string | undefined;
    /** For each program. */
    readonly limitSeconds: number;
  };
  readonly puppet: Config['puppet'];
  readonly environmentFiles: readonly string[];
}

/** Collects what the host adds to a release from its configuration. */
export function hostData(config: Config): HostData {
  const { facts, run } = config;
  return {
    requireFiles: config.require_files,
    overlay: config.overlay ?? {},
    facts: {
      set: facts.set ?? {},
      files: facts.files ?? {},
      knobs: facts.knobs,
      knobScripts: facts.knob_scripts,
      limitSeconds: facts.time_limit.seconds,
    },
    puppet: config.puppet,
    environmentFiles: run.environment_files,
  };
}

export const NO_HOST_DATA: HostData = {
  requireFiles: [],
  overlay: {},
  facts: { set: {}, files: {}, knobs: undefined, knobScripts: undefined, limitSeconds: 10 },
  puppet: { config_version: 'release' },
  environmentFiles: [],
};
