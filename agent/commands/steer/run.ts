import type { RunSummary } from '../../../bucket/documents/status.ts';
import { asciiJson } from '../../../shared/clean-text.ts';
import { EXIT_CODES } from '../../core/exit-code.ts';
import { runLines } from '../../core/run/run-text.ts';
import { outcomeMark } from '../../core/status/marks.ts';
import { agoText } from '../../core/status/time-text.ts';
import { lastState } from '../../io/daemon/last-state.ts';
import type { RunRequest } from '../../io/daemon/run-request.ts';
import { requireWritable } from '../../io/host/permission.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { type HostPaths, localPaths } from '../../paths.ts';
import { askDaemon, type RequestEnd } from './ask-daemon.ts';

/**
 * `mm-agent run [--noop]`: the daemon polls and runs Puppet now. Waits for the end of the cycle,
 * shows what it did, and returns its exit code. Throws DAEMON_MISSING, LOCKED, PERMISSION_DENIED.
 */
export async function run(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const paths = localPaths(options.root);
  requireWritable([paths.state, paths.runtime], options.argv);
  const found = await requestCycle(paths, { trigger: 'asked', noop: options.noop ?? false });
  if (options.json) printAnswer(asciiJson(found, 2));
  else printAnswer(cycleLines(found).join('\n'), { markOf: outcomeMark, env });
  return found.exitCode;
}

/** The end of a cycle that a command requested from the daemon. */
export interface RequestedCycle {
  readonly end: RequestEnd['kind'];
  readonly exitCode: number;
  /** The run of the cycle; null when it made none. */
  readonly run: RunSummary | null;
  /** What the cycle decided; null when it is not known. */
  readonly why: string | null;
}

/** Asks the daemon for a cycle, waits for its end, and reads what it did. */
export async function requestCycle(
  paths: HostPaths,
  wanted: Omit<RunRequest, 'id'>,
): Promise<RequestedCycle> {
  const before = lastState(paths.stateFile)?.status?.run?.id;
  const end = await askDaemon(paths, wanted);
  if (end.kind !== 'ended') {
    return { end: end.kind, exitCode: EXIT_CODES.failed.code, run: null, why: null };
  }
  const after = lastState(paths.stateFile);
  const run = after?.status?.run ?? null;
  const why = after?.decision?.why ?? null;
  return { end: 'ended', exitCode: end.exitCode, run: run?.id === before ? null : run, why };
}

/** Describes the end of the requested cycle, one line each. */
export function cycleLines({ end, exitCode, run, why }: RequestedCycle): string[] {
  if (end !== 'ended') return [UNSEEN[end]];
  if (run === null) {
    const did = `Puppet did not run (exit code ${exitCode}): ${why ?? 'see the log'}`;
    return exitCode === EXIT_CODES.done.code ? [did] : [did, 'next: mm-agent why'];
  }
  const lines = runLines(run, agoText(run.startedAt, Date.now()));
  const next =
    run.status === 'skipped' ? 'next: mm-agent why' : `what Puppet printed: mm-agent log ${run.id}`;
  return [...lines, next];
}

const UNSEEN = {
  'daemon-gone': 'the daemon ended before the run did; Puppet goes on. next: mm-agent status',
  'not-waited': 'the run goes on in the daemon. next: mm-agent status',
} as const;
