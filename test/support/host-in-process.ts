import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent, CycleRequest } from '../../agent/agent.ts';
import { openAgent } from '../../agent/commands/open-agent.ts';
import type { Trigger } from '../../agent/core/decide.ts';
import type { PollResult } from '../../agent/core/poll-result.ts';
import { type CycleEnd, cycle } from '../../agent/cycle.ts';
import { lastState } from '../../agent/io/daemon/last-state.ts';
import { parseOptions } from '../../agent/options.ts';
import { hostPaths } from '../../agent/paths.ts';
import type { ApplyRequest, Puppet } from '../../agent/ports.ts';
import { poll } from '../../agent/steps/poll.ts';
import type { HostBucket } from '../../bucket/bucket.ts';
import { openHostBucket } from '../../bucket/s3/host/host-bucket.ts';
import type { S3Settings } from '../../bucket/s3/settings.ts';
import { orUndefined } from '../../shared/files.ts';
import { fakeLog } from './fake-log.ts';
import { puppetReport } from './puppet-report.ts';
import type { Signer } from './s3/signature.ts';

const NEVER = new AbortController().signal;

export interface HostOptions {
  readonly user: Signer;
  readonly packagedRoot: Uint8Array;
  /** Lines of agent.yaml. */
  readonly config: string;
  /** Called when Puppet would run; undefined: the real Puppet runs. */
  readonly onRun: ((request: ApplyRequest) => void) | undefined;
}

export interface Turn {
  readonly trigger: Trigger;
  /** How the bucket is reached in this turn. */
  readonly s3: Partial<S3Settings>;
  /** Other variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called before each request. */
  readonly onRequest?: () => void;
}

/**
 * A host whose polls and cycles run in this process: thousands of them are affordable, and its
 * clock is set by the test. Everything but the clock and the program `puppet` is that of a real
 * host.
 */
export class HostInProcess implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'mm-host-'));
  readonly paths = hostPaths({ platform: 'linux', root: this.root });
  readonly log = fakeLog();
  /** Ahead of the clock of this machine, in ms. */
  aheadMs = 0;
  readonly #options: HostOptions;

  constructor(options: HostOptions) {
    this.#options = options;
    mkdirSync(this.paths.configDirectory, { recursive: true });
    writeFileSync(this.paths.trustRoot, options.packagedRoot);
    writeFileSync(this.paths.configFile, options.config);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /**
   * What the daemon does when a poll or a run is due. Undefined when its poll found nothing to do
   * for a cycle.
   */
  async turn({ trigger, s3, env = {}, onRequest = () => {} }: Turn): Promise<TurnEnd> {
    const agent = await this.#open(s3, env, onRequest);
    try {
      const found = trigger === 'poll' ? await this.#poll(agent) : undefined;
      if (found !== undefined && found.kind !== 'cycle') return { found, end: undefined };
      const prefetched = found?.prefetched;
      return { found, end: await cycle(agent, { ...REQUEST, trigger, prefetched }, NEVER) };
    } finally {
      agent.ports.bucket.close();
    }
  }

  #poll({ ports, identity, config, paths }: Agent): Promise<PollResult> {
    return poll(
      {
        ...{ bucket: ports.bucket, clock: ports.clock, log: ports.log },
        state: lastState(paths.stateFile),
        tree: identity.tree,
        environment: identity.environment,
        heartbeatSeconds: config.report.heartbeat.seconds,
      },
      NEVER,
    );
  }

  async #open(s3: Turn['s3'], env: Turn['env'], onRequest: () => void): Promise<Agent> {
    const { user, onRun } = this.#options;
    const keys = {
      ...{ AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey },
      ...{ HOME: this.root, PATH: process.env['PATH'], ...env },
    };
    const agent = await openAgent(parseOptions(['--once', '--root', this.root]), keys);
    const settings = { ...agent.config.s3, ...s3 };
    agent.ports.bucket.close();
    const bucket = await openHostBucket(agent.config.bucket, settings, keys);
    return {
      ...agent,
      ports: {
        ...agent.ports,
        log: this.log,
        clock: { ...agent.ports.clock, now: () => Date.now() + this.aheadMs },
        bucket: watched(bucket, onRequest),
        ...(onRun === undefined ? {} : { puppet: quickPuppet(onRun) }),
      },
    };
  }

  state() {
    return lastState(this.paths.stateFile);
  }

  readIfThere(path: string): string | undefined {
    return orUndefined(() => readFileSync(path, 'utf8'));
  }
}

export interface TurnEnd {
  /** What the daemon's own poll found; undefined when it made none. */
  readonly found: PollResult | undefined;
  /** Undefined without a cycle. */
  readonly end: CycleEnd | undefined;
}

const REQUEST: Omit<CycleRequest, 'trigger' | 'prefetched'> = {
  ...{ noop: false, tags: [], skipTags: [], debug: false, ignoreWindow: false },
  ...{ isTrial: false, keepsRelease: false, showDiff: false },
  lockLost: NEVER,
};

function watched(bucket: HostBucket, onRequest: () => void): HostBucket {
  const { name } = bucket;
  const after = <T>(request: () => T): T => {
    onRequest();
    return request();
  };
  return {
    name,
    get: (...request) => after(() => bucket.get(...request)),
    open: (...request) => after(() => bucket.open(...request)),
    put: (...request) => after(() => bucket.put(...request)),
    close: () => bucket.close(),
  };
}

/** Runs are not the point: they change nothing. */
function quickPuppet(onRun: (request: ApplyRequest) => void): Puppet {
  let certname = '';
  return {
    find: async () => ({ path: '/opt/puppetlabs/bin/puppet', version: '8.10.0' }),
    apply: async (request) => {
      certname = request.certname;
      onRun(request);
      return { kind: 'exited', exitCode: 0 };
    },
    pickUp: async () => undefined,
    read: async () => ({
      report: puppetReport({ time: new Date().toISOString() }),
      facts: { kernel: 'Linux', facterversion: '4.10.0', certname },
      ...{ errors: [], problems: [] },
    }),
  };
}
