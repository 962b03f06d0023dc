import type { RunSummary } from '../../../bucket/documents/status.ts';
import { isFailure } from '../run/run-summary.ts';

/** The directories of `hooks.d`, each with programs for one moment. */
export const HOOK_STAGES = [
  /** Before Puppet starts. */
  'pre-run',
  /** After a run that changed something, also when other resources of it failed. */
  'on-change',
  /** After a run that failed, did not compile, was killed or was not begun. */
  'on-failure',
  /** After every run, and after the two above. */
  'post-run',
  /** `--until-converged` has ended well. */
  'on-converged',
  /** `--until-converged` has given up. */
  'on-not-converged',
] as const;
export type HookStage = (typeof HOOK_STAGES)[number];

/** More programs in one directory are a mistake, and each has a time limit of its own. */
export const MOST_HOOKS = 10;

/** The most directories that one run can use. */
export const STAGES_OF_A_RUN = 3;

/** Whether hooks apply to a run at all: `hooks.noop` says so for noop runs. */
export function hasHooks(run: { readonly noop: boolean }, rules: { readonly noop: boolean }) {
  return !run.noop || rules.noop;
}

/** The directories to run after a run of Puppet, in their order. */
export function stagesAfter(
  run: RunSummary,
  rules: { readonly noop: boolean },
): readonly HookStage[] {
  // The agent must end soon, and the next poll repeats the run.
  const isStopped = run.killedBy === 'stopped';
  if (run.status === 'skipped' || isStopped || !hasHooks(run, rules)) return [];
  const hasChanged = run.status === 'changed' || (run.resources?.changed ?? 0) > 0;
  return [
    ...(hasChanged ? (['on-change'] as const) : []),
    ...(isFailure(run) ? (['on-failure'] as const) : []),
    'post-run',
  ];
}

/** As run-parts(8) of Debian: no dots, so that backups and files of packages do not run. */
export function isHookName(name: string): boolean {
  return /^[a-zA-Z0-9_-]{1,100}$/.test(name);
}

/** A pre-run hook with this word in its name stops the run when it fails: `10-required-mount`. */
export function isRequiredHook(name: string): boolean {
  return /(?:^|[-_])required(?:$|[-_])/i.test(name);
}
