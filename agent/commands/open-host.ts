import { createHash } from 'node:crypto';
import { chmodSync, statSync } from 'node:fs';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asFileError, makeDirectorySync } from '../../shared/disk-error.ts';
import { isFileError, readNamed } from '../../shared/files.ts';
import { requireOwn } from '../../shared/owned-path.ts';
import { MAX_FILE_BYTES } from '../../trust/metadata/file-limits.ts';
import { checkedConfig } from '../config/checked-config.ts';
import type { Config } from '../config/config.ts';
import { chooseCertname, isClone, knownIds } from '../core/certname.ts';
import type { Identity } from '../core/status/status.ts';
import { readKeptName } from '../io/host/kept-name.ts';
import { machineDigest } from '../io/host/machine.ts';
import { findCertname, qualifiedName } from '../io/puppet/find-certname.ts';
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
  /** Digests of the ids of this machine; null when it has none. */
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
  const mode = Number.parseInt(config.releases.mode, 8);
  for (const directory of [paths.state, paths.releases]) {
    unlessFileError(() => makeDirectory(directory, mode));
  }
  unlessFileError(() => makeDirectorySync(paths.runtime, 0o755));
  return { paths, config, packagedRoot, ...(await identifyHost(options, paths, config)) };
}

/**
 * Determines the identity of this host. Writes nothing. Throws USAGE, and what `findCertname`
 * throws.
 */
export async function identifyHost(
  options: Pick<Options, 'root' | 'environment'>,
  paths: Pick<HostPaths, 'keptName'>,
  config: Config,
): Promise<Pick<Host, 'identity' | 'machine' | 'isClone'>> {
  const kept = readKeptName(paths.keptName);
  const found = machineDigest(options.root);
  const isOther = isClone(kept, found);
  const machine = isOther ? found : knownIds(kept, found);
  const certname = await chooseCertname({
    configured: config.certname,
    kept: isOther ? undefined : kept,
    find: () => findCertname(config.run.puppet),
    qualify: qualifiedName,
  });
  const identity = identify(config, options, { certname, machine });
  return { identity, machine, isClone: isOther };
}

/**
 * A step that needs the directory gets the same error, and the cycle reports it in the status of
 * the host.
 */
function unlessFileError(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(asFileError(error) instanceof CodedError)) throw error;
  }
}

/** `releases.mode` may have changed, and systemd restores the mode of the state directory. */
function makeDirectory(path: string, mode: number): void {
  makeDirectorySync(path, mode);
  if ((statSync(path).mode & 0o7777) !== mode) chmodSync(path, mode);
}

function identify(
  config: Config,
  options: Pick<Options, 'environment'>,
  { certname, machine }: { readonly certname: string; readonly machine: string | null },
): Identity {
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
    hostId: machine === null ? null : hostIdOf(machine),
    agentVersion: VERSION,
    nodeVersion: process.versions.node,
  };
}

function hostIdOf(machine: string): string {
  return createHash('sha256').update(machine).digest('hex').slice(0, 16);
}

/** Throws ROOT_MISSING; FILE_UNSAFE when another user could put in a root of their own. */
export function readRoot(paths: Pick<HostPaths, 'trustRoot'>): Buffer {
  requireOwn(paths.trustRoot, 'the trust root');
  try {
    return readNamed(paths.trustRoot, MAX_FILE_BYTES.root);
  } catch (cause) {
    const found = isFileError(cause, 'ENOENT') ? 'no such file' : messageOf(cause);
    throw new CodedError(`no trust root: wanted ${paths.trustRoot}, found ${found}`, {
      code: 'ROOT_MISSING',
      cause,
      next: `copy root.json of this tree, which "mm init" wrote, to ${paths.trustRoot}`,
    });
  }
}
