import type { ActiveRelease, RunSummary } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { HookStage } from './stages.ts';

/** The input of a hook: this document as JSON on stdin. {@link hookEnvironment} repeats it. */
export interface HookInput {
  readonly schemaVersion: 1;
  readonly stage: HookStage;
  readonly certname: string;
  readonly tree: string;
  readonly environment: string;
  readonly groups: readonly string[];
  /** The active release; null when there is no release. */
  readonly release: ActiveRelease | null;
  /** Why Puppet runs, or why `--until-converged` has ended. */
  readonly reason: string;
  readonly noop: boolean;
  readonly runId: string | null;
  /** As `run` in the status document. Null before the run. */
  readonly run: RunSummary | null;
  /** The output of Puppet, unchanged. Null when there is no such file. */
  readonly log: string | null;
  /** Runs of `--until-converged`; null for other runs. */
  readonly tries: number | null;
}

const MAX_TEXT = 500;

/**
 * The input of a hook as environment variables, for shell scripts. Every variable is set; an
 * unknown value is empty. Each text is one clean line.
 */
export function hookEnvironment(input: HookInput): Readonly<Record<string, string>> {
  const { release, run } = input;
  const values = {
    STAGE: input.stage,
    CERTNAME: input.certname,
    TREE: input.tree,
    ENVIRONMENT: input.environment,
    RELEASE: release?.version,
    RELEASE_SHA256: release?.sha256,
    COMMIT: release?.commit,
    REASON: input.reason,
    NOOP: input.noop ? '1' : undefined,
    RUN_ID: input.runId,
    OUTCOME: run?.status,
    EXIT_CODE: run?.exitCode,
    CHANGED: run === null ? undefined : (run.resources?.changed ?? 0),
    FAILED: run === null ? undefined : (run.resources?.failed ?? 0),
    SECONDS: run?.durationSeconds,
    ERROR_CODE: run?.errorCode,
    ERROR: run?.error ?? run?.failedResources[0]?.message,
    LOG: input.log,
    TRIES: input.tries,
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `MM_${name}`,
      printable(String(value ?? ''), MAX_TEXT),
    ]),
  );
}
