import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { CERTNAME, ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { requireOwn } from '../../shared/owned-path.ts';
import { checkedConfig } from '../config/checked-config.ts';
import type { Config } from '../config/config.ts';
import type { Identity } from '../core/status/status.ts';
import type { Options } from '../options.ts';
import { type HostPaths, localPaths } from '../paths.ts';
import { programStamp } from '../program/stamp.ts';
import { VERSION } from '../program/version.ts';

/** What is installed and configured on a host. */
export interface Host {
  readonly paths: HostPaths;
  readonly config: Config;
  readonly identity: Identity;
  /** The installed trust root: the bytes of `root.json`. */
  readonly packagedRoot: Uint8Array;
}

/**
 * Reads the configuration and the trust root, and creates the directories of the agent.
 * `knownConfig` is the configuration that the daemon has checked already. Throws CONFIG_MISSING,
 * CONFIG_INVALID, ROOT_MISSING, FILE_UNSAFE.
 */
export async function openHost(options: Options, knownConfig?: Config): Promise<Host> {
  const paths = localPaths(options.root);
  const config = knownConfig ?? (await checkedConfig(paths, programStamp()));
  const packagedRoot = readRoot(paths);
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  mkdirSync(paths.runtime, { recursive: true, mode: 0o755 });
  return { paths, config, packagedRoot, identity: await identify(config, options) };
}

async function identify(config: Config, options: Options): Promise<Identity> {
  const environment = options.environment ?? config.environment;
  if (!ENVIRONMENT_NAME.test(environment)) {
    throw new CodedError(
      `--environment: wanted letters, digits and "_", at most 64, found ${environment}`,
      { code: 'USAGE', next: 'mm releases, to see which environments there are' },
    );
  }
  const certname = config.certname ?? (await qualifiedName());
  if (!CERTNAME.test(certname)) {
    throw new CodedError(`the name of this host, ${certname}, cannot be used as a certname`, {
      code: 'CONFIG_INVALID',
      next: 'set certname in agent.yaml',
    });
  }
  return {
    certname,
    tree: config.tree,
    environment,
    groups: config.groups,
    agentVersion: VERSION,
    nodeVersion: process.versions.node,
  };
}

/** Puppet's default certname: the fully qualified name in lower case, or the host name alone. */
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

/** Throws ROOT_MISSING; FILE_UNSAFE when another user could put in a root of their own. */
function readRoot(paths: HostPaths): Buffer {
  requireOwn(paths.trustRoot, 'the trust root');
  try {
    return readFileSync(paths.trustRoot);
  } catch (cause) {
    throw new CodedError(`no trust root: wanted ${paths.trustRoot}, found no such file`, {
      code: 'ROOT_MISSING',
      cause,
      next: `copy root.json of this tree, which "mm init" wrote, to ${paths.trustRoot}`,
    });
  }
}
