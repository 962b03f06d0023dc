import { join } from 'node:path';

/** Every path on a host (docs/architecture.md, "Files on a host"). All lie below `root`, so that tests run in a folder. */
export interface HostPaths {
  /** `agent.yaml`. */
  readonly configFile: string;
  /** `agent.d/`: its `*.yaml` are laid over `agent.yaml` in the order of their names. */
  readonly configDirectory: string;
  /** The installed trust root, `root.json`. */
  readonly trustRoot: string;
  /** The metadata of build time that may be installed with it: `timestamp.json`, `snapshot.json`. */
  readonly timestampSeed: string;
  readonly snapshotSeed: string;

  readonly state: string;
  /** The trusted metadata; belongs to the trust reader. */
  readonly trust: string;
  /** Downloads: `<sha256>.unverified`, `<sha256>.tar.gz`. */
  readonly blobs: string;
  /** Unpacked releases; see {@link releasePaths}. */
  readonly releases: string;
  /** `<environment>` is a link to the tree of the active release. */
  readonly environments: string;
  /** One directory per run of Puppet. */
  readonly runs: string;
  /** The facts of the last run, sent or not. */
  readonly facts: string;
  readonly stateFile: string;
  /** Compiled Ruby; code that root will run. */
  readonly rubyCache: string;
  /** The values of facts that `facts.ttl` names. */
  readonly factCache: string;
  /** What the configuration came to when it was last checked. */
  readonly checkedConfig: string;
  /** While it is there, no runs. */
  readonly disabledFile: string;
  /** Where Puppet's own `agent_disabled.lock` may lie, by packaging. */
  readonly puppetDisabledFiles: readonly string[];

  /** Puppet's own directories when `root` is not `/`; undefined: Puppet keeps the host's. */
  readonly puppetPrivate: string | undefined;

  /** Gone after a reboot. */
  readonly runtime: string;
  readonly lock: string;
  /** `<daemon>.json` names the daemon that runs. */
  readonly daemon: string;
  /** Touched at each good check, so that `status` need not write the state for it. */
  readonly lastCheck: string;
}

export function hostPaths({
  platform,
  root,
}: {
  readonly platform: 'linux' | 'darwin';
  /** `/` on a host. */
  readonly root: string;
}): HostPaths {
  const config = join(root, 'etc/miyamoto');
  const isMac = platform === 'darwin';
  const state = join(root, isMac ? 'Library/Application Support/Miyamoto' : 'var/lib/miyamoto');
  const runtime = join(root, isMac ? 'var/run/miyamoto' : 'run/miyamoto');
  return {
    configFile: join(config, 'agent.yaml'),
    configDirectory: join(config, 'agent.d'),
    trustRoot: join(config, 'root.json'),
    timestampSeed: join(config, 'timestamp.json'),
    snapshotSeed: join(config, 'snapshot.json'),
    state,
    trust: join(state, 'trust'),
    blobs: join(state, 'blobs'),
    releases: join(state, 'releases'),
    environments: join(state, 'environments'),
    runs: join(state, 'runs'),
    facts: join(state, 'facts.json'),
    stateFile: join(state, 'state.json'),
    rubyCache: join(state, 'ruby-cache'),
    factCache: join(state, 'fact-cache'),
    checkedConfig: join(state, 'checked-config.json'),
    disabledFile: join(state, 'disabled.json'),
    puppetDisabledFiles: PUPPET_STATE.map((directory) =>
      join(root, directory, 'agent_disabled.lock'),
    ),
    puppetPrivate: root === '/' ? undefined : join(state, 'puppet'),
    runtime,
    lock: join(runtime, 'lock'),
    daemon: join(runtime, 'daemon'),
    lastCheck: join(runtime, 'last-check'),
  };
}

/** The paths of the host that this process runs on. */
export function localPaths(root: string): HostPaths {
  return hostPaths({ platform: process.platform === 'darwin' ? 'darwin' : 'linux', root });
}

/** Puppet's and OpenVox's own packages; Debian's; Debian's before 2017. */
const PUPPET_STATE = [
  'opt/puppetlabs/puppet/cache/state',
  'var/cache/puppet/state',
  'var/lib/puppet/state',
];

export interface ReleasePaths {
  /** Appears by rename when the release is whole. */
  readonly directory: string;
  /** The tarball's content, as it was signed; never written to again. */
  readonly tree: string;
  /** Holds one link per environment to `tree`: an environment path that no later activation touches. */
  readonly environments: string;
}

export function releasePaths(paths: HostPaths, sha256: string): ReleasePaths {
  const directory = join(paths.releases, sha256);
  return {
    directory,
    tree: join(directory, 'tree'),
    environments: join(directory, 'environments'),
  };
}
