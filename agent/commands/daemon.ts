import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HostBucket } from '../../bucket/bucket.ts';
import { openHostBucket } from '../../bucket/s3/host/host-bucket.ts';
import type { CodedError, ErrorCode } from '../../shared/coded-error.ts';
import { hasRun, isUnexplainedEnd, unexplainedReason } from '../core/child-end.ts';
import { cycleLimitMs } from '../core/cycle-limit.ts';
import type { Trigger } from '../core/decide.ts';
import { EXIT_CODES } from '../core/exit-code.ts';
import type { PollResult, Prefetched, TurnEnd } from '../core/poll-result.ts';
import { retryTime } from '../core/when/retry.ts';
import { systemClock as clock } from '../io/clock.ts';
import { type Cron, openCron } from '../io/daemon/cron.ts';
import { type CycleChildEnd, runCycleChild } from '../io/daemon/cycle-child.ts';
import { daemonNotes, plannedBefore } from '../io/daemon/daemon-notes.ts';
import { lastState } from '../io/daemon/last-state.ts';
import { startLiveness } from '../io/daemon/liveness.ts';
import { hasNetwork } from '../io/daemon/network.ts';
import {
  acceptRequest,
  type RunRequest,
  removeRequest,
  withAnswer,
} from '../io/daemon/run-request.ts';
import { writeRuntimeFile } from '../io/daemon/runtime-file.ts';
import { startLaunchdWatchdog } from '../io/daemon/service/launchd-watchdog.ts';
import { ownService } from '../io/daemon/service/service-name.ts';
import { serviceNotifier } from '../io/daemon/service/service-notify.ts';
import { type DaemonSettings, readSettings } from '../io/daemon/settings-child.ts';
import { stopOnSignals, wakeOnSignals } from '../io/daemon/signals.ts';
import { findCondition } from '../io/host/conditions.ts';
import { claimDaemon } from '../io/locks/daemon-claim.ts';
import { agentLog } from '../io/log.ts';
import { followTimeZone } from '../io/time-zone.ts';
import { type LoopSettings, loop } from '../loop.ts';
import { childOptions, type Options } from '../options.ts';
import { type HostPaths, localPaths } from '../paths.ts';
import type { Log } from '../ports.ts';
import { poll } from '../steps/poll.ts';

/**
 * The process that runs all the time: it keeps time and sends one conditional GET per poll. A child
 * process does everything else, and its memory is free afterwards. The daemon loads all of its code
 * at the start, because an upgrade may replace the files of the program later.
 */
interface Daemon extends DaemonSettings {
  readonly paths: HostPaths;
  readonly log: Log;
  readonly bucket: HostBucket;
  readonly cron: Cron;
}

/** Runs until SIGTERM or SIGINT. SIGHUP reloads the configuration and runs; SIGUSR1 runs now. */
export async function daemon(given: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const service = ownService(env);
  const options = { ...given, service: service !== undefined };
  const paths = localPaths(options.root);
  if (service?.manager === 'launchd') removePidFileAtEnd(paths);
  // Must come before the claim: a signal without a handler ends the process and leaves the file.
  const stop = stopOnSignals();
  const wakes = wakeOnSignals(stop);
  const claim = () => claimDaemon({ paths, options, service: service?.name, now: clock.now() });
  let unclaimed = await claim();
  // One that no daemon has read belongs to a command that has given up.
  removeRequest(paths);
  let request: RunRequest | undefined;
  const notifier = serviceNotifier(env);
  const readTimeZone = followTimeZone(env);
  const notes = daemonNotes(paths.lastCheck, { clock, notifier });
  let self = await open(options, env);
  self.log.info('agent.started', { ...self.identity, config: self.paths.configFile });
  if (unclaimed !== undefined) logUnclaimed(self.log, unclaimed);
  notifier.ready();
  const liveness = startLiveness();
  notifier.startWatchdog(stop, liveness.isAlive);
  if (service?.manager === 'launchd') startLaunchdWatchdog(stop, liveness.isAlive);
  await loop(
    {
      clock: {
        now: clock.now,
        async sleep(ms, wake) {
          liveness.allow(ms);
          await clock.sleep(ms, wake);
        },
      },
      log: self.log,
      random: Math.random,
      settings: () => loopSettings(self),
      cron(expression) {
        readTimeZone();
        return self.cron(expression);
      },
      isBootRunDue: () => !existsSync(self.paths.bootRun),
      plannedBefore: plannedBefore(paths.lastCheck),
      hasNetwork: () => hasNetwork(self.config.s3),
      async poll(signal) {
        liveness.allow(longestPollMs(self.config));
        const result = await pollOnce(self, notes.answered, signal);
        notes.polled(result);
        return result;
      },
      async runCycle(trigger, prefetched) {
        liveness.allow(cycleLimitMs(self.config));
        if (unclaimed !== undefined) unclaimed = await claim();
        notes.cycleStarts(trigger);
        const wanted = request;
        request = undefined;
        const end = await withAnswer(paths, wanted, () =>
          runCycle(self, options, { trigger, prefetched, stop, ...wanted }),
        );
        notes.cycleEnded(trigger, end.error);
        return end;
      },
      planned: notes.planned,
    },
    {
      stop,
      get wake() {
        return wakes.wake;
      },
      async handleRequests() {
        const { reload, runNow } = wakes.drain();
        if (reload) {
          notifier.reloading();
          self = await reopen(self, options, env);
          notifier.ready();
        }
        if (runNow || reload) return true;
        // Such a run may be for real, so a request gets another one, in the next turn.
        request = acceptRequest(paths);
        return request !== undefined;
      },
    },
  );
  self.log.info('agent.stopping', { why: (stop.reason as Error).message });
  notifier.stopping();
  self.bucket.close();
  return 0;
}

/** It runs all the same: each cycle tries again, and reports why it can do nothing else. */
function logUnclaimed(log: Log, { code, message, next }: CodedError): void {
  log.warn('agent.unclaimed', { code, error: message, next });
}

function loopSettings({ config, identity }: DaemonSettings): LoopSettings {
  return {
    ...config.schedule,
    certname: identity.certname,
    jitterMs: (config.run.jitter?.seconds ?? 0) * 1000,
    waitForNetworkMs: config.wait_for_network.seconds * 1000,
  };
}

/** More than all attempts of one request can take, with the pauses between them, in ms. */
function longestPollMs({ s3 }: DaemonSettings['config']): number {
  const attemptSeconds = s3.connect_timeout.seconds + 3 * s3.request_timeout.seconds;
  return MAX_ATTEMPTS * (attemptSeconds + 30) * 1000;
}

/** Of `s3.max_attempts`; AWS_MAX_ATTEMPTS may set it, too. */
const MAX_ATTEMPTS = 20;

/**
 * `mm-agent-daemon` wrote the file before it became this process. When it stays, newsyslog signals
 * the next process that gets this id.
 */
function removePidFileAtEnd(paths: HostPaths): void {
  process.once('exit', () => rmSync(join(paths.runtime, 'mm-agent.pid'), { force: true }));
}

async function open(options: Options, env: NodeJS.ProcessEnv): Promise<Daemon> {
  const settings = await readSettings(passedOn(options));
  const { config } = settings;
  return {
    ...settings,
    paths: localPaths(options.root),
    log: agentLog(options, config.log, env),
    bucket: await openHostBucket(config.bucket, config.s3, env),
    cron: openCron(settings.cronFields),
  };
}

/**
 * A mistake in the configuration must not end a running daemon: it is logged, the old one stays.
 */
async function reopen(self: Daemon, options: Options, env: NodeJS.ProcessEnv): Promise<Daemon> {
  const config = self.paths.configFile;
  try {
    const reopened = await open(options, env);
    self.bucket.close();
    self.log.info('config.reloaded', { config });
    return reopened;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const next = 'the previous configuration stays in use';
    self.log.error('config.refused', { code, error: message, config, next });
    return self;
  }
}

async function pollOnce(
  self: Daemon,
  onAnswer: () => void,
  stop: AbortSignal,
): Promise<PollResult> {
  const { identity, config, paths, bucket } = self;
  try {
    return await poll(
      {
        clock,
        log: self.log,
        bucket: {
          async get(...request) {
            const answer = await bucket.get(...request);
            onAnswer();
            return answer;
          },
        },
        state: lastState(paths.stateFile),
        tree: identity.tree,
        environment: identity.environment,
        heartbeatSeconds: config.report.heartbeat.seconds,
        window: config.run.noop ? undefined : config.apply_window,
        findCondition: () => findCondition(config.defer_on),
      },
      stop,
    );
  } catch (error) {
    if (stop.aborted) return { kind: 'idle' };
    throw error;
  }
}

/**
 * Runs a cycle in a child process. Under a service manager a daemon that must stop does not wait
 * for the cycle: the cycle continues and reports by itself, and the next daemon finds its lock.
 * Without a service manager the cycle ends together with the daemon.
 */
async function runCycle(
  { config, log, paths }: Daemon,
  options: Options,
  cycle: {
    readonly trigger: Trigger;
    readonly prefetched: Prefetched | undefined;
    readonly stop: AbortSignal;
    readonly noop?: boolean;
  },
): Promise<TurnEnd & { readonly exitCode?: number }> {
  const before = lastState(paths.stateFile);
  const end = runCycleChild({
    ...cycle,
    config,
    stop: options.service ? new AbortController().signal : cycle.stop,
    limitMs: cycleLimitMs(config),
    passedOn: [...passedOn(options), ...(cycle.noop === true ? ['--noop'] : [])],
  });
  const ended = await (options.service ? endOrStop(end, cycle.stop) : end);
  if (ended === undefined) {
    const why = 'the agent is stopped; Puppet goes on, and the cycle reports by itself';
    log.warn('cycle.continues', { why, next: 'mm-agent status' });
    return {};
  }
  const state = lastState(paths.stateFile);
  if (hasRun(before, state)) writeRuntimeFile(paths.bootRun, new Date(clock.now()).toISOString());
  if (ended.kind === 'killed') log.error('cycle.killed', { signal: ended.signal });
  else if (!cycle.stop.aborted && isUnexplainedEnd(ended.exitCode, before, state))
    log.error('cycle.failed', {
      exitCode: ended.exitCode,
      why: unexplainedReason(ended.exitCode),
    });
  return {
    exitCode: ended.kind === 'exited' ? ended.exitCode : EXIT_CODES.failed.code,
    error: state?.status?.trust.error?.code as ErrorCode | undefined,
    runAt: retryTime(state?.retry ?? null, clock.now()),
  };
}

function passedOn(options: Options): string[] {
  return [...childOptions(options), ...(options.service ? ['--service'] : [])];
}

/** Undefined when `stop` aborts first. The cycle then continues without the daemon. */
async function endOrStop(
  end: Promise<CycleChildEnd>,
  stop: AbortSignal,
): Promise<CycleChildEnd | undefined> {
  const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
  const onStop = (): void => resolve(undefined);
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    return await Promise.race([end, stopped]);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}
