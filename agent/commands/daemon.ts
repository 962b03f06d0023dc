import { writeFile } from 'node:fs/promises';
import { CodedError, type ErrorCode } from '../../bucket/coded-error.ts';
import type { Agent } from '../agent.ts';
import type { Trigger } from '../core/decide.ts';
import { cronPosition } from '../io/cron.ts';
import { runCycleChild } from '../io/cycle-child.ts';
import { serviceNotifier } from '../io/service-notify.ts';
import { stopOnSignals, wakeOnSignals } from '../io/signals.ts';
import { loop, type PollResult, type Prefetched } from '../loop.ts';
import type { Options } from '../options.ts';
import { poll } from '../steps/poll.ts';
import { openAgent } from './open-agent.ts';

/** What a cycle may take on top of Puppet's own limit: fetch, unpack, grace periods, report. */
const CYCLE_MARGIN_MS = 30 * 60_000;

/** Runs until SIGTERM or SIGINT. SIGHUP reads the configuration again and runs, SIGUSR1 runs now. */
export async function daemon(given: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const options = { ...given, service: isService(env) };
  const stop = stopOnSignals();
  const wakes = wakeOnSignals(stop);
  const notifier = serviceNotifier(env);
  let agent = await openAgent(options);
  const { clock, log } = agent.ports;
  log.info('agent.started', { ...agent.identity, config: agent.paths.configFile });
  notifier.ready();
  notifier.startWatchdog(stop);
  await loop(
    {
      clock,
      log,
      random: Math.random,
      settings: () => ({ ...agent.config.schedule, certname: agent.identity.certname }),
      cron: cronPosition,
      poll: async (signal) => await pollOnce(agent, signal),
      runCycle: async (trigger, prefetched) =>
        await runCycle(agent, options, { trigger, prefetched, stop }),
    },
    {
      stop,
      get wake() {
        return wakes.wake;
      },
      async take() {
        const { reload, runNow } = wakes.take();
        if (reload) {
          notifier.reloading();
          agent = await reopen(agent, options);
          notifier.ready();
        }
        return runNow || reload;
      },
    },
  );
  log.info('agent.stopping', { why: (stop.reason as Error).message });
  notifier.stopping();
  agent.ports.bucket.close();
  return 0;
}

/** systemd sets NOTIFY_SOCKET for a Type=notify service; launchd names the job. */
function isService(env: NodeJS.ProcessEnv): boolean {
  const job = env['XPC_SERVICE_NAME'] ?? '';
  return env['NOTIFY_SOCKET'] !== undefined || job.startsWith('com.github.miyamoto');
}

async function pollOnce(agent: Agent, stop: AbortSignal): Promise<PollResult> {
  const { ports, identity, config, paths } = agent;
  try {
    const result = await poll(
      {
        ...ports,
        tree: identity.tree,
        environment: identity.environment,
        heartbeatSeconds: config.report.heartbeat.seconds,
      },
      stop,
    );
    // Gone after a reboot, so neither synced nor renamed: the idle poll writes nothing to the disk.
    await writeFile(paths.lastCheck, new Date(ports.clock.now()).toISOString());
    return result;
  } catch (error) {
    if (stop.aborted) return { kind: 'idle' };
    throw error;
  }
}

/**
 * Runs a cycle in a child. Under a service manager the daemon does not wait for it when it is told to stop: the cycle
 * goes on, reports by itself, and the next daemon finds its lock. Otherwise the cycle ends with the daemon.
 */
async function runCycle(
  agent: Agent,
  options: Options,
  cycle: {
    readonly trigger: Trigger;
    readonly prefetched: Prefetched | undefined;
    readonly stop: AbortSignal;
  },
): Promise<ErrorCode | undefined> {
  const { config, ports } = agent;
  const end = runCycleChild({
    ...cycle,
    stop: options.service ? new AbortController().signal : cycle.stop,
    limitMs: config.run.time_limit.seconds * 1000 + CYCLE_MARGIN_MS,
    passedOn: [
      `--root=${options.root}`,
      ...(options.service ? ['--service'] : []),
      ...(options.debug ? ['--debug'] : []),
      ...(options.json ? ['--json'] : []),
    ],
  });
  const ended = options.service ? await Promise.race([end, aborted(cycle.stop)]) : await end;
  if (ended === undefined) return undefined;
  if (ended.kind === 'killed') ports.log.error('cycle.killed', { signal: ended.signal });
  const { status } = await ports.state.load();
  return status?.trust.error?.code as ErrorCode | undefined;
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A configuration with a mistake in it must not end a daemon that works: it is said, and the old one stays. */
async function reopen(agent: Agent, options: Options): Promise<Agent> {
  try {
    const reopened = await openAgent(options);
    agent.ports.bucket.close();
    agent.ports.log.info('config.reloaded', { config: agent.paths.configFile });
    return reopened;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    agent.ports.log.error('config.refused', {
      code: error.code,
      error: error.message,
      next: 'the configuration from before stays in use',
    });
    return agent;
  }
}
