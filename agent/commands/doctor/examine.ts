import { type Check, tried } from '../../../shared/doctor/checks.ts';
import type { Config } from '../../config/config.ts';
import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import type { HostState } from '../../core/state.ts';
import type { Options } from '../../options.ts';
import type { HostPaths } from '../../paths.ts';
import { identifyHost } from '../open-host.ts';
import { checkBucket } from './bucket-checks.ts';
import type { ConfiguredHost } from './configured-host.ts';
import { checkDisk, checkHooks, checkPuppet, checkService, checkState } from './host-checks.ts';
import { type ShownSetting, shownSettings } from './settings.ts';
import { useVariablesOf } from './variables.ts';

export interface Examination {
  readonly checks: readonly Check[];
  /** Empty when the configuration cannot be read. */
  readonly settings: readonly ShownSetting[];
  readonly config: Config | undefined;
  readonly state: HostState;
}

/** Makes every check, also after a failed one. Changes nothing on the host and in the bucket. */
export async function examine(
  options: Options,
  paths: HostPaths,
  env: NodeJS.ProcessEnv,
): Promise<Examination> {
  const checks: Check[] = [];
  const loaded = await tried(checks, 'configuration', () => {
    const found = loadConfig(paths);
    const { bucket, tree, environment } = found.config;
    const message = `bucket ${bucket}, tree ${tree}, environment ${environment}`;
    return { value: found, message };
  });
  const daemon = await checkService(checks, paths, options.root);
  if (daemon !== undefined) checks.push(variablesCheck(daemon.pid, env));
  const settings =
    loaded &&
    (await tried(checks, 'settings', async () => {
      const value = await shownSettings(loaded, env);
      const set = value.filter(({ from }) => from !== 'default');
      return { value, message: `${set.length} are set, ${value.length - set.length} by default` };
    }));
  await checkDisk(checks, paths);
  const state = await checkState(checks, paths);
  if (loaded !== undefined) await checkConfigured(checks, loaded, { options, paths, env, state });
  return { checks, settings: settings ?? [], config: loaded?.config, state };
}

async function checkConfigured(
  checks: Check[],
  { config, origins }: LoadedConfig,
  host: Pick<ConfiguredHost, 'paths' | 'state'> & {
    readonly options: Options;
    readonly env: NodeJS.ProcessEnv;
  },
): Promise<void> {
  const { options, paths, env, state } = host;
  await checkPuppet(checks, config, paths);
  await checkHooks(checks, config, paths);
  const identity = await tried(checks, 'name', async () => {
    const found = await identifyHost(options, paths, config);
    const from = config.certname === undefined ? 'found by this host' : origins.get('certname');
    return { value: found.identity, message: `${found.identity.certname} (${from})` };
  });
  if (identity === undefined) return;
  const { otherTree } = options;
  await checkBucket(checks, { paths, config, identity, state, otherTree }, env);
}

function variablesCheck(pid: number, env: NodeJS.ProcessEnv): Check {
  const different = useVariablesOf(pid, env);
  const message =
    different === undefined
      ? 'those of this shell: those of the daemon cannot be read here'
      : different.length === 0
        ? 'this shell and the daemon have the same'
        : `those of the daemon are used; this shell has other ones: ${different.join(', ')}`;
  return { name: 'environment', outcome: 'ok', message, next: null };
}
