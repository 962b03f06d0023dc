import { createHash } from 'node:crypto';
import { replaceFile } from '../../shared/atomic-file.ts';
import { readFile } from '../../shared/files.ts';
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
  const sources = await readConfigSources(paths);
  const key = createHash('sha256')
    .update(JSON.stringify([stamp, sources]))
    .digest('hex');
  const kept = stamp === undefined ? undefined : await readKept(paths.checkedConfig, key);
  if (kept !== undefined) return kept;
  const { checkConfigSources } = await import('./load-config.ts');
  const { config } = checkConfigSources(sources);
  if (stamp !== undefined) await keep(paths.checkedConfig, seal(config, key));
  return config;
}

async function readKept(path: string, key: string): Promise<Config | undefined> {
  try {
    return unseal(JSON.parse(await readFile(path, 'utf8')), key) as Config | undefined;
  } catch {
    return undefined;
  }
}

/** Neither synced nor missed where it cannot be written: half of it has no seal, and none is made anew. */
async function keep(path: string, text: string): Promise<void> {
  await replaceFile(path, text, { mode: 0o600 }).catch(() => undefined);
}
