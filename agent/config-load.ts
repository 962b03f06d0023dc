import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../bucket/coded-error.ts';
import { type ConfigSource, mergeConfigFiles, readConfigFile } from '../bucket/config-file.ts';
import { configKeys } from '../bucket/config-schema.ts';
import { Config } from './config.ts';
import type { HostPaths } from './paths.ts';

export interface LoadedConfig {
  /** Frozen. */
  readonly config: Config;
  /** For every key there is: `<file>:<line>`, `default`, or `not set`. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads `agent.yaml` and `agent.d/*.yaml`, later ones over earlier ones, key by key. Throws CONFIG_MISSING when there
 * is neither, CONFIG_INVALID with all that is wrong in them.
 */
export async function loadConfig(
  paths: Pick<HostPaths, 'configFile' | 'configDirectory'>,
): Promise<LoadedConfig> {
  const sources: ConfigSource[] = [];
  for (const path of [paths.configFile, ...(await dropIns(paths.configDirectory))]) {
    const text = await readConfigFile(path);
    if (text !== undefined) sources.push({ path, text });
  }
  if (sources.length === 0) {
    throw new CodedError(`no configuration: wanted ${paths.configFile}, found nothing there`, {
      code: 'CONFIG_MISSING',
      next: `write two lines to ${paths.configFile}, "bucket: <name of the bucket>" and "tree: <for example ubuntu>"`,
    });
  }
  const { config, origins } = mergeConfigFiles(sources, Config);
  return { config: freeze(config), origins: originOfEachKey(origins) };
}

async function dropIns(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
      .sort()
      .map((name) => join(directory, name));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new CodedError(`cannot read ${directory}: ${message}`, { code: 'CONFIG_INVALID', cause });
  }
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
