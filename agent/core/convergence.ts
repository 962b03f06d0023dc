import type { RunSummary } from '../../bucket/documents/status.ts';
import { hasRun } from './child-end.ts';
import { EXIT_CODES } from './exit-code.ts';
import type { HostState } from './state.ts';

/** What a cycle of `--until-converged` means for the next one. */
export type TryEnd =
  /** A run of what the bucket offers had nothing to change. */
  | { readonly kind: 'converged' }
  | { readonly kind: 'again'; readonly why: string; readonly isFailure: boolean }
  /** Another cycle would end in the same way. */
  | { readonly kind: 'hopeless'; readonly why: string; readonly exitCode: number };

/**
 * Returns what a cycle means for the next one, from its exit code and the state before and after
 * it.
 */
export function tryEnd(
  exitCode: number,
  before: HostState | undefined,
  after: HostState | undefined,
): TryEnd {
  const hopeless = HOPELESS.find(({ code }) => code === exitCode);
  if (hopeless !== undefined) return { kind: 'hopeless', why: hopeless.meaning, exitCode };
  const status = after?.status;
  if (exitCode === EXIT_CODES.locked.code || !status?.run || !hasRun(before, after))
    return failed(meaningOf(exitCode));
  const { trust, run, offered } = status;
  // Without a refresh, the release may be an old one that came with an image.
  if (trust.error !== null) return failed(`${trust.error.code}: ${trust.error.message}`);
  // The run may have applied the last good release instead of the offered one.
  const bad = status.bad?.find(({ sha256 }) => sha256 === offered?.sha256);
  if (bad !== undefined)
    return failed(`${bad.version} is bad on this host: ${bad.errors[0] ?? ''}`);
  return runEnd(run);
}

const HOPELESS = [EXIT_CODES.disabled, EXIT_CODES.outsideWindow, EXIT_CODES.config];

function runEnd(run: RunSummary): TryEnd {
  switch (run.status) {
    case 'unchanged':
      return { kind: 'converged' };
    case 'changed':
      return { kind: 'again', why: `changed ${changedText(run)}`, isFailure: false };
    case 'pending':
      // In a run that is not noop, only resources with their own noop are pending.
      if (!run.noop) return { kind: 'converged' };
      return { kind: 'hopeless', why: 'runs are noop', exitCode: EXIT_CODES.notConverged.code };
    case 'failed':
    case 'not-compiled':
    case 'killed':
    case 'skipped':
      return failed(run.error ?? run.failedResources[0]?.message ?? run.status);
  }
}

const MOST_NAMED = 5;

/** Names the changed resources, so that the last message shows one that changes in each run. */
function changedText({ changedResources, changedResourcesTotal }: RunSummary): string {
  const named = changedResources.slice(0, MOST_NAMED);
  const others = changedResourcesTotal - named.length;
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
}

function failed(why: string): TryEnd {
  return { kind: 'again', why, isFailure: true };
}

function meaningOf(exitCode: number): string {
  const known = Object.values(EXIT_CODES).find(({ code }) => code === exitCode);
  return known?.meaning ?? `the cycle ended with exit code ${exitCode}`;
}
