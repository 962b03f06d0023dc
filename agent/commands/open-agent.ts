import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { CodedError } from '../../bucket/coded-error.ts';
import { openBucket } from '../../bucket/s3.ts';
import type { Agent } from '../agent.ts';
import type { Config } from '../config.ts';
import { loadConfig } from '../config-load.ts';
import type { Identity } from '../core/status.ts';
import { systemClock } from '../io/clock.ts';
import { openLog } from '../io/log.ts';
import { readPackagedSeeds } from '../io/packaged-seeds.ts';
import { hostPuppet } from '../io/puppet.ts';
import { stateFile } from '../io/state-file.ts';
import { readVitals } from '../io/vitals.ts';
import type { Options } from '../options.ts';
import { type HostPaths, hostPaths } from '../paths.ts';
import type { Log } from '../ports.ts';
import { VERSION } from '../version.ts';

/** Wires an agent for this host. Throws CONFIG_MISSING, CONFIG_INVALID, ROOT_MISSING. */
export async function openAgent(options: Options): Promise<Agent> {
  const paths = pathsOf(options);
  const { config } = await loadConfig(paths);
  const log = logOf(options, config);
  const packagedRoot = await readRoot(paths);
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await mkdir(paths.runtime, { recursive: true, mode: 0o755 });
  return {
    identity: await identify(config, options),
    config,
    paths,
    packagedRoot,
    packagedSeeds: await readPackagedSeeds(paths.trustSeeds, log),
    ports: {
      clock: systemClock,
      log,
      bucket: openBucket(config.bucket, config.s3),
      puppet: hostPuppet({
        configuredPath: config.run.puppet,
        launcher: options.service && process.platform === 'linux' ? 'systemd' : 'group',
      }),
      state: stateFile(paths.stateFile, log),
      vitals: readVitals,
    },
  };
}

export function pathsOf(options: Options): HostPaths {
  const platform = process.platform === 'darwin' ? 'darwin' : 'linux';
  return hostPaths({ platform, root: options.root });
}

/** JSON lines for a service manager or on wish, words for a terminal or a pipe to one. */
export function logOf(options: Options, config: Config): Log {
  return openLog({
    form: options.json || options.service ? 'json' : 'human',
    level: options.debug ? 'debug' : config.log.level,
  });
}

export async function identify(config: Config, options: Options): Promise<Identity> {
  return {
    certname: config.certname ?? (await qualifiedName()),
    tree: config.tree,
    environment: options.environment ?? config.environment,
    groups: config.groups,
    agentVersion: VERSION,
    nodeVersion: process.versions.node,
  };
}

/** As Puppet names a node by default: the fully qualified name in lower case, the bare one where there is no domain. */
async function qualifiedName(): Promise<string> {
  const name = hostname().toLowerCase();
  if (name.includes('.')) return name;
  try {
    const { stdout } = await promisify(execFile)('hostname', ['-f'], { timeout: 2000 });
    return stdout.trim().toLowerCase() || name;
  } catch {
    return name;
  }
}

async function readRoot(paths: HostPaths): Promise<Buffer> {
  try {
    return await readFile(paths.trustRoot);
  } catch (cause) {
    throw new CodedError(`no trust root: wanted ${paths.trustRoot}, found nothing there`, {
      code: 'ROOT_MISSING',
      cause,
      next: `copy root.json of this tree, which "mm init" wrote, to ${paths.trustRoot}`,
    });
  }
}
