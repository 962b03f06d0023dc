import { uptime } from 'node:os';
import { orUndefined } from '../../../shared/files.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import type { ApplyRequest, PickedUp, Puppet } from '../../ports.ts';
import { startOf } from '../host/processes.ts';
import { applyArguments } from './arguments.ts';
import { runEnvironment, SYSTEM_PATH } from './environment.ts';
import { findPuppet } from './find.ts';
import { readEnvironmentFiles } from './host-data/environment-files.ts';
import { type HostData, NO_HOST_DATA } from './host-data/host-data.ts';
import { followOutput, type RunOutput } from './output/follow-output.ts';
import { launchInGroup, notStarted } from './process/launch.ts';
import { findLaunched } from './process/pick-up.ts';
import { type Launched, supervise } from './process/supervise.ts';
import { launchedIn, launchInUnit, unitName } from './process/unit.ts';
import { removeCacheAfterCrash } from './ruby/ruby-cache.ts';
import { type RubySettings, runProgram } from './ruby/run-program.ts';
import { environmentFile, outputPath } from './run-directory/paths.ts';
import { prepareRun } from './run-directory/prepare-run.ts';
import {
  type RunRecord,
  readRunRecord,
  removeRunRecord,
  writeRunRecord,
} from './run-directory/run-record.ts';
import { readRunResults } from './run-directory/run-results.ts';

/*
 * Runs the Puppet of this host. A run has a directory of its own (run-directory/): Ruby files and
 * settings go in (ruby/), report and facts come out. Puppet runs in a transient unit of systemd or
 * in a process group (process/), with a time limit. Its output goes to a file, which the agent
 * follows (output/), so that a run survives the death of its agent: the next one picks it up.
 */

export interface HostPuppetOptions extends RubySettings {
  /** `run.puppet`. */
  readonly configuredPath?: string | undefined;
  /** `systemd`: in a transient unit, when the agent itself is a service of systemd. */
  readonly launcher: 'group' | 'systemd';
  /** Searched for Puppet after the usual places; by default the directories of the system. */
  readonly searchPath?: string | undefined;
  /** `run.environment`: added to the fixed environment of a run, for example proxies. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** What the host adds to a release. */
  readonly hostData?: HostData | undefined;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
}

const GRACE_MS = 30_000;

/** The Puppet of this host. */
export function hostPuppet(options: HostPuppetOptions): Puppet {
  const {
    configuredPath,
    searchPath = SYSTEM_PATH,
    environment = {},
    graceMs = GRACE_MS,
  } = options;
  return {
    find: () => findPuppet({ configured: configuredPath, searchPath, environment }),
    apply: (request, stop) => apply(request, { ...options, graceMs }, stop),
    pickUp: (runDirectory, stop) => pickUp(runDirectory, { ...options, graceMs }, stop),
    read: async (...run) => readRunResults(...run),
  };
}

type RunOptions = HostPuppetOptions & { readonly graceMs: number };

async function apply(
  request: ApplyRequest,
  options: RunOptions,
  stop: AbortSignal,
): Promise<PuppetExit> {
  if (stop.aborted) return { kind: 'killed', signal: 'SIGTERM', why: 'stopped' };
  const { runDirectory, timeLimitSeconds } = request;
  const { prepared, output } = openRun(request, options.hostData ?? NO_HOST_DATA);
  try {
    const launched = await launch(prepared, options, output);
    const limitMs = timeLimitSeconds * 1000;
    const exit = await supervise(launched, { limitMs, graceMs: options.graceMs, stop });
    removeCacheAfterCrash(exit, options.rubyCache?.directory);
    // The record stays after an error: Puppet may still be running, and the next cycle picks it up.
    removeRunRecord(runDirectory);
    return exit;
  } finally {
    output.close();
  }
}

interface OpenRun {
  readonly prepared: ApplyRequest;
  readonly output: RunOutput;
}

function openRun(request: ApplyRequest, hostData: HostData): OpenRun {
  try {
    const prepared = prepareRun(request, hostData);
    return { prepared, output: followOutput(outputPath(request.runDirectory), request.onLine) };
  } catch (cause) {
    throw notStarted(request.puppet.path, cause);
  }
}

async function launch(
  request: ApplyRequest,
  options: RunOptions,
  output: RunOutput,
): Promise<Launched> {
  const { launcher, graceMs, hostData = NO_HOST_DATA } = options;
  const { runDirectory, runId, puppet, timeLimitSeconds } = request;
  const unit = launcher === 'systemd' ? unitName('puppet', runId) : null;
  const startedAt = Date.now();
  const record: RunRecord = {
    schemaVersion: 1,
    runId,
    startedAt,
    limitAt: startedAt + timeLimitSeconds * 1000,
    noop: request.noop,
    unit,
    uptimeSeconds: uptime(),
  };
  try {
    writeRunRecord(runDirectory, record);
    const program = runProgram(request, options);
    const secrets = readEnvironmentFiles(hostData.environmentFiles);
    const command = {
      path: program.path,
      arguments: [...program.arguments, ...applyArguments(request, hostData.puppet)],
      environment: runEnvironment(runDirectory, { ...options.environment, ...secrets }),
      output,
    };
    if (unit === null) return await recorded(await launchInGroup(command), runDirectory, record);
    // systemd ends the run when no agent comes back to do it.
    const limitSeconds = Math.ceil(timeLimitSeconds + graceMs / 1000) + 60;
    const hidden = environmentFile(runDirectory);
    await launchInUnit(command, { name: unit, limitSeconds, environmentFile: hidden });
  } catch (cause) {
    removeRunRecord(runDirectory);
    throw notStarted(puppet.path, cause);
  }
  return await launchedIn(unit);
}

/** Adds the process to the record of the run. */
async function recorded(
  launched: Launched,
  runDirectory: string,
  record: RunRecord,
): Promise<Launched> {
  const { pid } = launched;
  const started = pid === undefined ? undefined : await startOf(pid);
  if (pid !== undefined && started !== undefined) {
    // Puppet runs already. If the disk is full, a later agent has to search for the process.
    orUndefined(() => writeRunRecord(runDirectory, { ...record, process: { pid, started } }));
  }
  return launched;
}

async function pickUp(
  runDirectory: string,
  { graceMs, rubyCache }: RunOptions,
  stop: AbortSignal,
): Promise<PickedUp | undefined> {
  const record = readRunRecord(runDirectory);
  if (record === undefined) return undefined;
  const launched = await findLaunched(runDirectory, record);
  const { startedAt, limitAt } = record;
  // The clock may have been set meanwhile. A run never gets more time than it had at its start.
  const limitMs = Math.min(limitAt - Date.now(), limitAt - startedAt);
  const exit = await supervise(launched, { limitMs, graceMs, stop });
  removeCacheAfterCrash(exit, rubyCache?.directory);
  removeRunRecord(runDirectory);
  return { runId: record.runId, startedAt, noop: record.noop, exit };
}
