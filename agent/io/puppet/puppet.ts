import type { ApplyRequest, PickedUp, Puppet, PuppetExit } from '../../ports.ts';
import { applyArguments, outputPath, prepareRun, runEnvironment, SYSTEM_PATH } from './command.ts';
import { findPuppet } from './find.ts';
import { followOutput, type Output } from './output.ts';
import { launchInGroup, notStarted } from './process/launch.ts';
import { findLaunched } from './process/pick-up.ts';
import { type Launched, supervise } from './process/supervise.ts';
import { launchedIn, launchInUnit, unitName } from './process/unit.ts';
import { programOf, type RubySettings } from './program.ts';
import { readRecord, removeRecord, writeRecord } from './record.ts';
import { readRemains } from './remains.ts';
import { distrustAfter } from './ruby/ruby-cache.ts';

export interface HostPuppetOptions extends RubySettings {
  /** `run.puppet`. */
  readonly configuredPath?: string | undefined;
  /** `systemd`: in a transient unit of its own, when the agent is a systemd service. */
  readonly launcher: 'group' | 'systemd';
  /** Where to look for Puppet last; by default the system's directories. */
  readonly searchPath?: string | undefined;
  /** Added to the fixed environment of a run, for instance proxies. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL. */
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
    read: async (...run) => readRemains(...run),
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
  const output = openRun(request);
  try {
    const launched = await launch(request, options, output);
    const limitMs = timeLimitSeconds * 1000;
    const exit = await supervise(launched, { limitMs, graceMs: options.graceMs, stop });
    distrustAfter(exit, options.rubyCache?.directory);
    // Not after an error: then Puppet may be running, and the next cycle picks it up.
    removeRecord(runDirectory);
    return exit;
  } finally {
    output.close();
  }
}

function openRun(request: ApplyRequest): Output {
  try {
    prepareRun(request);
    return followOutput(outputPath(request.runDirectory), request.onLine);
  } catch (cause) {
    throw notStarted(request.puppet.path, cause);
  }
}

async function launch(
  request: ApplyRequest,
  options: RunOptions,
  output: Output,
): Promise<Launched> {
  const { launcher, environment = {}, graceMs } = options;
  const { runDirectory, runId, puppet, timeLimitSeconds } = request;
  const unit = launcher === 'systemd' ? unitName(runId) : null;
  const startedAt = Date.now();
  const limitAt = startedAt + timeLimitSeconds * 1000;
  try {
    writeRecord(runDirectory, {
      schemaVersion: 1,
      runId,
      startedAt,
      limitAt,
      noop: request.noop,
      unit,
    });
    const program = programOf(request, options);
    const command = {
      path: program.path,
      arguments: [...program.arguments, ...applyArguments(request)],
      environment: runEnvironment(runDirectory, environment),
      output,
    };
    if (unit === null) return await launchInGroup(command);
    // systemd's limit is for a run whose agent never comes back.
    const limitSeconds = Math.ceil(timeLimitSeconds + graceMs / 1000) + 60;
    await launchInUnit(command, { name: unit, limitSeconds });
  } catch (cause) {
    removeRecord(runDirectory);
    throw notStarted(puppet.path, cause);
  }
  return await launchedIn(unit);
}

async function pickUp(
  runDirectory: string,
  { graceMs, rubyCache }: RunOptions,
  stop: AbortSignal,
): Promise<PickedUp | undefined> {
  const record = readRecord(runDirectory);
  if (record === undefined) return undefined;
  const launched = await findLaunched(runDirectory, record);
  const { startedAt, limitAt } = record;
  // Never longer than it was given, whatever the clock did meanwhile.
  const limitMs = Math.min(limitAt - Date.now(), limitAt - startedAt);
  const exit = await supervise(launched, { limitMs, graceMs, stop });
  distrustAfter(exit, rubyCache?.directory);
  removeRecord(runDirectory);
  return { runId: record.runId, startedAt, noop: record.noop, exit };
}
