import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { replaceFileSync } from '../../shared/atomic-file.ts';
import { orUndefined } from '../../shared/files.ts';
import { seal, unseal } from '../core/seal.ts';
import type { HostPaths } from '../paths.ts';
import type { Config } from './config.ts';
import { readConfigSources } from './sources.ts';

/**
 * The configuration of this host. To read YAML and to check it costs as much as all else that a cycle does before it asks
 * the bucket, and it is the same from one to the next: so what it came to is kept below the state directory, for the very
 * text of the files and the very code (`stamp`) that it was made of and by. Throws CONFIG_MISSING, CONFIG_INVALID.
 */
export async function checkedConfig(
  paths: Pick<HostPaths, 'configFile' | 'configDirectory' | 'checkedConfig'>,
  stamp: string | undefined,
): Promise<Config> {
  const sources = readConfigSources(paths);
  const key = createHash('sha256')
    .update(JSON.stringify([stamp, sources]))
    .digest('hex');
  const kept = stamp === undefined ? undefined : readKept(paths.checkedConfig, key);
  if (kept !== undefined) return kept;
  const { checkConfigSources } = await import('./load-config.ts');
  const { config } = checkConfigSources(sources);
  if (stamp !== undefined) keep(paths.checkedConfig, seal(config, key));
  return config;
}

function readKept(path: string, key: string): Config | undefined {
  try {
    return unseal(JSON.parse(readFileSync(path, 'utf8')), key) as Config | undefined;
  } catch {
    return undefined;
  }
}

/** Neither synced nor missed where it cannot be written: half of it has no seal, and none is made anew. */
function keep(path: string, text: string): void {
  orUndefined(() => replaceFileSync(path, text, { mode: 0o600 }));
}
