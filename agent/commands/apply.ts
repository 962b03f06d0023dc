import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LocalRun } from '../../bucket/documents/local-run.ts';
import { ReleaseFile } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { readNamed } from '../../shared/files.ts';
import { MAX_OWN_BYTES } from '../../shared/foreign-file.ts';
import type { Config } from '../config/config.ts';
import { checkConfigSources, loadConfig } from '../config/load-config.ts';
import { EXIT_CODES, runExitCode } from '../core/exit-code.ts';
import { outcomeOf } from '../core/run/outcome.ts';
import type { Identity } from '../core/status/status.ts';
import { systemClock } from '../io/clock.ts';
import { stopOnSignals } from '../io/daemon/signals.ts';
import { acquireCycleLock } from '../io/locks/cycle-lock.ts';
import { agentLog } from '../io/log.ts';
import type { Options } from '../options.ts';
import { type HostPaths, localPaths } from '../paths.ts';
import type { Log } from '../ports.ts';
import { readDisabled } from '../steps/disabled.ts';
import { configuredPuppet } from './host-puppet.ts';
import { identifyHost } from './open-host.ts';

const LOCK_WAIT_MS = 60_000;
const RUN_ID = 'apply';

/**
 * `mm-agent --apply DIRECTORY`, which `mm apply` starts: one run of Puppet on `DIRECTORY/tree`, as
 * a cycle would run it on a release. It asks no bucket, sends nothing, and keeps nothing in the
 * state. All files of the run are in the directory, which the caller removes. Prints a `LocalRun`.
 */
export async function apply(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const stop = stopOnSignals('SIGHUP');
  const directory = resolve(options.directory ?? '');
  const answer = await lockedApply(options, directory, { env, stop }).catch(failure);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return answer.kind === 'error' ? EXIT_CODES.failed.code : answer.exitCode;
}

function failure(error: unknown): LocalRun {
  if (!(error instanceof CodedError)) throw error;
  const { code, message, next } = error;
  return { kind: 'error', code, message, next: next ?? null };
}

interface Process {
  readonly env: NodeJS.ProcessEnv;
  readonly stop: AbortSignal;
}

async function lockedApply(
  options: Options,
  directory: string,
  { env, stop }: Process,
): Promise<LocalRun> {
  const paths = localPaths(options.root);
  const config = configOf(paths);
  const log = agentLog(options, config.log, env);
  const { identity } = await identifyHost(options, paths, config);
  const { certname, environment } = identity;
  const disabled = readDisabled(paths, { clock: systemClock, log });
  if (disabled !== null) {
    const { reason, by } = disabled;
    const exitCode = EXIT_CODES.disabled.code;
    return { kind: 'disabled', environment, certname, reason, by, exitCode };
  }
  const work = { paths, config, identity, log, directory, stop };
  // Without an agent on this machine there is no cycle to wait for.
  if (!existsSync(paths.runtime)) return await runPuppet(options, work);
  const lock = await acquireCycleLock({
    ...{ path: paths.lock, waitMs: LOCK_WAIT_MS, clock: systemClock, stop },
  });
  try {
    return await runPuppet(options, { ...work, stop: AbortSignal.any([stop, lock.lost]) });
  } finally {
    await lock.release();
  }
}

/** A machine without an agent is a host with the defaults. No bucket is asked. */
function configOf(paths: HostPaths): Config {
  try {
    return loadConfig(paths).config;
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'CONFIG_MISSING') throw error;
    const text = 'bucket: no-bucket\ntree: none\n';
    return checkConfigSources([{ path: 'the defaults', text }]).config;
  }
}

async function runPuppet(
  options: Options,
  given: {
    readonly paths: HostPaths;
    readonly config: Config;
    readonly identity: Identity;
    readonly log: Log;
    readonly directory: string;
    readonly stop: AbortSignal;
  },
): Promise<LocalRun> {
  const { paths, config, identity, log, directory, stop } = given;
  const { certname, environment } = identity;
  const { run } = config;
  const noop = options.noop ?? run.noop;
  const environmentPath = join(directory, 'environments');
  const runDirectory = join(directory, 'run');
  const viewPath = join(directory, 'view');
  mkdirSync(environmentPath);
  symlinkSync(join(directory, 'tree'), join(environmentPath, environment));
  // No cache of compiled Ruby: it would grow by files that no release has.
  const port = configuredPuppet(config, paths, { launcher: 'group', rubyCache: undefined });
  const puppet = await port.find();
  log.info('run.started', { noop, why: 'mm apply', environment, certname, puppet: puppet.version });
  const startedAt = systemClock.now();
  const exit = await port.apply(
    {
      ...{ runId: RUN_ID, runDirectory, puppet, environmentPath, environment, viewPath, certname },
      ...{ noop, skipTags: options.skipTags, debug: options.debug },
      releaseLabel: labelOf(directory),
      tags: options.tags.length > 0 ? options.tags : run.tags,
      extraArguments: run.extra_arguments,
      timeLimitSeconds: run.time_limit.seconds,
      privateDirectory: paths.puppetPrivate,
      onLine: ({ level, text }) => log[level]('puppet.line', { text }),
    },
    stop,
  );
  const summary = outcomeOf({
    ...{ id: RUN_ID, reason: 'mm apply', noop, startedAt, endedAt: systemClock.now(), exit },
    results: await port.read(runDirectory, certname),
    failOnErrorLines: run.fail_on_error_lines,
    environmentDirectories: [join(environmentPath, environment), join(viewPath, environment)],
    runDirectory,
  });
  const exitCode = runExitCode(summary, { detailed: options.detailedExitCodes });
  return {
    ...{ kind: 'run', environment, certname, puppetVersion: puppet.version, summary, exitCode },
  };
}

/** mm writes the label into the tree, as into every release. */
function labelOf(directory: string): string {
  const text = readNamed(join(directory, 'tree/release.json'), MAX_OWN_BYTES).toString();
  return ReleaseFile.parse(JSON.parse(text)).version;
}
