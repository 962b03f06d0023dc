import { join } from 'node:path';

/**
 * Every path on a host (docs/architecture.md, "Files on a host"). All are below `root`, so that a
 * test can run in a folder.
 */
export interface HostPaths {
  /** `agent.yaml`. */
  readonly configFile: string;
  /**
   * `agent.d/`: the keys of its `*.yaml` replace those of `agent.yaml`, in the order of the names.
   */
  readonly configDirectory: string;
  /** `hooks.d/<stage>/`: programs that run before and after Puppet. */
  readonly hooks: string;
  /** The installed trust root, `root.json`. */
  readonly trustRoot: string;
  /** Metadata of build time that may be installed beside the root, see `PackagedSeeds`. */
  readonly timestampSeed: string;
  readonly snapshotSeed: string;

  readonly state: string;
  /** The trusted metadata. Only the trust reader writes here. */
  readonly trust: string;
  /** Downloads: `<sha256>.unverified`, `<sha256>.tar.gz`. */
  readonly blobs: string;
  /** Binaries that `mm-agent binary` has verified, by name. */
  readonly binaries: string;
  /** Their downloads, as in `blobs`. */
  readonly binaryDownloads: string;
  /** Unpacked releases; see {@link releasePaths}. */
  readonly releases: string;
  /** `<environment>` is a link to the tree of the active release. */
  readonly environments: string;
  /** One directory for each run of Puppet. */
  readonly runs: string;
  /** What `mm-agent history` and `mm-agent log` show. */
  readonly history: string;
  /** The environment as a run with an overlay sees it. It exists only during that run. */
  readonly view: string;
  /** The facts of the last run, also when they are not sent yet. */
  readonly facts: string;
  readonly stateFile: string;
  /** Files that only take space, for a disk that is full: see disk/reserve.ts. */
  readonly reserves: string;
  /** The certname that this host found for itself, and on which machine. */
  readonly keptName: string;
  /** Compiled Ruby. Root runs it, so only root may write here. */
  readonly rubyCache: string;
  /** Values of the facts that `facts.ttl` names. */
  readonly factCache: string;
  /** The result of the last check of the configuration. */
  readonly checkedConfig: string;
  /** While this file exists, Puppet does not run. */
  readonly disabledFile: string;
  /** What `mm-agent pin` made. */
  readonly pinFile: string;
  /** The possible paths of Puppet's own `agent_disabled.lock`; they depend on the package. */
  readonly puppetDisabledFiles: readonly string[];

  /** Puppet's own directories when `root` is not `/`; undefined: Puppet uses those of the host. */
  readonly puppetPrivate: string | undefined;

  /** Empty after a reboot. */
  readonly runtime: string;
  readonly lock: string;
  /** One call of `mm-agent binary` at a time. */
  readonly binariesLock: string;
  /** `<daemon>.json` names the daemon that runs. */
  readonly daemon: string;
  /** Exists when a run was made since the machine booted; for `schedule.apply: boot`. */
  readonly bootRun: string;
  /** Exists when `--until-converged` has ended well since the machine booted. */
  readonly converged: string;
  /** Input and output of the hooks of a cycle, and of those of `--until-converged`. */
  readonly hookFiles: string;
  readonly convergeHookFiles: string;
  /** What the daemon notes after each turn. A poll writes this instead of the state. */
  readonly lastCheck: string;
  /** What `mm-agent run` asks the daemon for, and how that ended. One command at a time. */
  readonly request: string;
  readonly answer: string;
  readonly requestLock: string;
}

/** Every path that the agent uses on a host. All of them are below `root`. */
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
    hooks: join(config, 'hooks.d'),
    trustRoot: join(config, 'root.json'),
    timestampSeed: join(config, 'timestamp.json'),
    snapshotSeed: join(config, 'snapshot.json'),
    state,
    trust: join(state, 'trust'),
    blobs: join(state, 'blobs'),
    binaries: join(state, 'binaries'),
    binaryDownloads: join(state, 'binaries', '.downloads'),
    releases: join(state, 'releases'),
    environments: join(state, 'environments'),
    runs: join(state, 'runs'),
    history: join(state, 'history'),
    view: join(state, 'view'),
    facts: join(state, 'facts.json'),
    stateFile: join(state, 'state.json'),
    reserves: join(state, 'reserves'),
    keptName: join(state, 'identity.json'),
    rubyCache: join(state, 'ruby-cache'),
    factCache: join(state, 'fact-cache'),
    checkedConfig: join(state, 'checked-config.json'),
    disabledFile: join(state, 'disabled.json'),
    pinFile: join(state, 'pin.json'),
    puppetDisabledFiles: PUPPET_STATE.map((directory) =>
      join(root, directory, 'agent_disabled.lock'),
    ),
    puppetPrivate: root === '/' ? undefined : join(state, 'puppet'),
    runtime,
    lock: join(runtime, 'lock'),
    binariesLock: join(runtime, 'binaries-lock'),
    daemon: join(runtime, 'daemon'),
    bootRun: join(runtime, 'boot-run'),
    converged: join(runtime, 'converged'),
    hookFiles: join(runtime, 'hooks'),
    convergeHookFiles: join(runtime, 'converge-hooks'),
    lastCheck: join(runtime, 'last-check'),
    request: join(runtime, 'request.json'),
    answer: join(runtime, 'answer.json'),
    requestLock: join(runtime, 'request-lock'),
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
  /** Appears by a rename when the release is complete. */
  readonly directory: string;
  /** The content of the tarball, as it was signed. Never changed afterwards. */
  readonly tree: string;
  /**
   * One link per environment to `tree`, for an environment path that no later activation changes.
   */
  readonly environments: string;
}

/** The paths of an unpacked release. */
export function releasePaths(paths: HostPaths, sha256: string): ReleasePaths {
  const directory = join(paths.releases, sha256);
  return {
    directory,
    tree: join(directory, 'tree'),
    environments: join(directory, 'environments'),
  };
}
