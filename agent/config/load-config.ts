import { mergeConfigFiles } from '../../shared/config/file.ts';
import { configKeys } from '../../shared/config/schema.ts';
import type { ConfigSource } from '../../shared/config/source.ts';
import type { HostPaths } from '../paths.ts';
import { Config } from './config.ts';
import { readConfigSources } from './sources.ts';

export interface LoadedConfig {
  /** Frozen. */
  readonly config: Config;
  /** For every known key: `<file>:<line>`, `default`, or `not set`. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads `agent.yaml` and `agent.d/*.yaml`. Later files replace the keys of earlier ones. Throws
 * CONFIG_MISSING when no file exists, and CONFIG_INVALID with every mistake in them.
 */
export function loadConfig(paths: Pick<HostPaths, 'configFile' | 'configDirectory'>): LoadedConfig {
  return checkConfigSources(readConfigSources(paths));
}

/** Throws CONFIG_INVALID with every mistake. */
export function checkConfigSources(sources: readonly ConfigSource[]): LoadedConfig {
  const { config, origins } = mergeConfigFiles(sources, Config);
  return { config: freeze(config), origins: originOfEachKey(origins) };
}

function originOfEachKey(written: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    configKeys(Config).map(({ key, default: fallback }) => {
      const unwritten = fallback === undefined ? 'not set' : 'default';
      return [key, written.get(key) ?? unwritten];
    }),
  );
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}
