import { mkdirSync, readFileSync } from 'node:fs';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { requireOwn } from '../../shared/owned-path.ts';
import { checkedConfig } from '../config/checked-config.ts';
import type { Config } from '../config/config.ts';
import { chooseCertname, isClone } from '../core/certname.ts';
import type { Identity } from '../core/status/status.ts';
import { findCertname, qualifiedName } from '../io/host/find-certname.ts';
import { readKeptName } from '../io/host/kept-name.ts';
import { machineDigest } from '../io/host/machine.ts';
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
  /** Digest of the ids of this machine; null when it has none. */
  readonly machine: string | null;
  /** The state was made on another machine and came here with an image. */
  readonly isClone: boolean;
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
  const kept = readKeptName(paths.keptName);
  const machine = machineDigest(options.root);
  const isOther = isClone(kept, machine);
  const certname = await chooseCertname({
    configured: config.certname,
    kept: isOther ? undefined : kept,
    find: () => findCertname(config.run.puppet),
    qualify: qualifiedName,
  });
  const identity = identify(config, options, certname);
  return { paths, config, packagedRoot, identity, machine, isClone: isOther };
}

function identify(config: Config, options: Options, certname: string): Identity {
  const environment = options.environment ?? config.environment;
  if (!ENVIRONMENT_NAME.test(environment)) {
    throw new CodedError(
      `--environment: wanted letters, digits and "_", at most 64, found ${environment}`,
      { code: 'USAGE', next: 'mm releases, to see which environments there are' },
    );
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
