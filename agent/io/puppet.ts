import { CodedError } from '../../bucket/coded-error.ts';
import type { ApplyRequest, PickedUp, Puppet, PuppetExit } from '../ports.ts';
import {
  applyArguments,
  outputPath,
  prepareRun,
  runEnvironment,
  SYSTEM_PATH,
} from './puppet-command.ts';
import { findPuppet } from './puppet-find.ts';
import { launchInGroup } from './puppet-launch.ts';
import { followOutput } from './puppet-output.ts';
import { findLaunched } from './puppet-pick-up.ts';
import { readRecord, removeRecord, writeRecord } from './puppet-record.ts';
import { readRemains } from './puppet-remains.ts';
import { supervise } from './puppet-supervise.ts';
import { launchInUnit, unitName } from './puppet-unit.ts';

export interface HostPuppetOptions {
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
    pickUp: (runDirectory, stop) => pickUp(runDirectory, graceMs, stop),
    read: readRemains,
  };
}

type RunOptions = HostPuppetOptions & { readonly graceMs: number };

async function apply(
  request: ApplyRequest,
  options: RunOptions,
  stop: AbortSignal,
): Promise<PuppetExit> {
  if (stop.aborted) return { kind: 'killed', signal: 'SIGTERM', why: 'stopped' };
  const { runDirectory, runId, timeLimitSeconds } = request;
  const unit = options.launcher === 'systemd' ? unitName(runId) : null;
  const limitMs = timeLimitSeconds * 1000;
  const startedAt = Date.now();
  await prepareRun(request);
  const output = await followOutput(outputPath(runDirectory), request.onLine);
  try {
    const limitAt = startedAt + limitMs;
    await writeRecord(runDirectory, { schemaVersion: 1, runId, startedAt, limitAt, unit });
    const launched = await launch(request, options, { unit, output });
    const exit = await supervise(launched, { limitMs, graceMs: options.graceMs, stop });
    await removeRecord(runDirectory);
    return exit;
  } catch (error) {
    // After any other error Puppet may be running: the next cycle picks it up.
    if (isNotStarted(error)) await removeRecord(runDirectory);
    throw error;
  } finally {
    await output.close();
  }
}

function isNotStarted(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'PUPPET_NOT_STARTED';
}

async function launch(
  request: ApplyRequest,
  { environment = {}, graceMs }: RunOptions,
  to: {
    readonly unit: string | null;
    readonly output: { readonly path: string; readonly fd: number };
  },
) {
  const command = {
    path: request.puppet.path,
    arguments: await applyArguments(request),
    environment: runEnvironment(request.runDirectory, environment),
    output: to.output,
  };
  if (to.unit === null) return await launchInGroup(command);
  // systemd's limit is for a run whose agent never comes back.
  const limitSeconds = request.timeLimitSeconds + Math.ceil(graceMs / 1000) + 60;
  return await launchInUnit(command, { name: to.unit, limitSeconds });
}

async function pickUp(
  runDirectory: string,
  graceMs: number,
  stop: AbortSignal,
): Promise<PickedUp | undefined> {
  const record = await readRecord(runDirectory);
  if (record === undefined) return undefined;
  const launched = await findLaunched(runDirectory, record);
  const { startedAt, limitAt } = record;
  // Never longer than it was given, whatever the clock did meanwhile.
  const limitMs = Math.min(limitAt - Date.now(), limitAt - startedAt);
  const exit = await supervise(launched, { limitMs, graceMs, stop });
  await removeRecord(runDirectory);
  return { runId: record.runId, startedAt, exit };
}
