import type { ActiveRelease, RunSummary } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { HookStage } from './stages.ts';

/** What a hook learns: this document as JSON on its stdin, and {@link hookEnvironment}. */
export interface HookFacts {
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
 * The same as variables, for shell scripts. Each is set; one whose value is not known is empty. A
 * text is one clean line.
 */
export function hookEnvironment(facts: HookFacts): Readonly<Record<string, string>> {
  const { release, run } = facts;
  const values = {
    STAGE: facts.stage,
    CERTNAME: facts.certname,
    TREE: facts.tree,
    ENVIRONMENT: facts.environment,
    RELEASE: release?.version,
    RELEASE_SHA256: release?.sha256,
    COMMIT: release?.commit,
    REASON: facts.reason,
    NOOP: facts.noop ? '1' : undefined,
    RUN_ID: facts.runId,
    OUTCOME: run?.status,
    EXIT_CODE: run?.exitCode,
    CHANGED: run === null ? undefined : (run.resources?.changed ?? 0),
    FAILED: run === null ? undefined : (run.resources?.failed ?? 0),
    SECONDS: run?.durationSeconds,
    ERROR_CODE: run?.errorCode,
    ERROR: run?.error ?? run?.failedResources[0]?.message,
    LOG: facts.log,
    TRIES: facts.tries,
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `MM_${name}`,
      printable(String(value ?? ''), MAX_TEXT),
    ]),
  );
}
