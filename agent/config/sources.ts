import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { type ConfigSource, readConfigFile } from '../../shared/config/source.ts';
import { requireOwn } from '../../shared/owned-path.ts';
import { shellWord } from '../../shared/shell-word.ts';
import type { HostPaths } from '../paths.ts';

/**
 * The text of `agent.yaml` and of `agent.d/*.yaml`; the keys of later files win. Throws
 * CONFIG_MISSING when no file exists, CONFIG_INVALID for a file that cannot be read, and
 * FILE_UNSAFE when another user could change what root does by one of them.
 */
export function readConfigSources(
  paths: Pick<HostPaths, 'configFile' | 'configDirectory'>,
): readonly ConfigSource[] {
  const sources: ConfigSource[] = [];
  // The directory is checked as well, because anyone who can write to it can add a file.
  requireOwn(paths.configDirectory, 'the configuration directory');
  for (const path of [paths.configFile, ...dropIns(paths.configDirectory)]) {
    requireOwn(path, 'the configuration');
    const text = readConfigFile(path);
    if (text !== undefined) sources.push({ path, text });
  }
  if (sources.length > 0) return sources;
  throw new CodedError(`no configuration: wanted ${paths.configFile}, found no such file`, {
    code: 'CONFIG_MISSING',
    next: `write to ${paths.configFile} what "mm init" printed for hosts: bucket, tree and s3.region`,
  });
}

function dropIns(directory: string): string[] {
  const names = namesIn(directory).filter((name) => !name.startsWith('.'));
  requireSuffix(directory, names);
  return names
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(directory, name));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new CodedError(`cannot read ${directory}: ${message}`, { code: 'CONFIG_INVALID', cause });
  }
}

/**
 * The author of the file expects it to count. Without an error, nobody would notice that it does
 * not.
 */
function requireSuffix(directory: string, names: readonly string[]): void {
  const yml = names.find((name) => name.endsWith('.yml'));
  if (yml === undefined) return;
  const path = join(directory, yml);
  throw new CodedError(`${path}: wanted a name that ends with .yaml, found .yml`, {
    code: 'CONFIG_INVALID',
    next: `mv ${shellWord(path)} ${shellWord(path.replace(/yml$/, 'yaml'))}`,
  });
}
