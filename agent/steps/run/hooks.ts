import type { HookFailure, RunSummary } from '../../../bucket/documents/status.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Agent } from '../../agent.ts';
import type { Findings, Found } from '../../core/findings.ts';
import { hasHooks, isRequiredHook, stagesAfter } from '../../core/hooks/stages.ts';
import type { HookRequest } from '../../ports.ts';

/** A run that is about to begin. */
export interface UpcomingRun {
  readonly runId: string;
  readonly noop: boolean;
  readonly why: string;
}

/** Runs the programs of `pre-run`. Returns those that failed. */
export async function runHooksBefore(
  agent: Agent,
  { active }: Pick<Findings, 'active'>,
  run: UpcomingRun,
  stop: AbortSignal,
): Promise<readonly HookFailure[]> {
  const { ports, config } = agent;
  if (!hasHooks(run, config.hooks) || !ports.hooks.has('pre-run')) return [];
  const { runId, noop, why: reason } = run;
  const context = { ...hostOf(agent, active), runId, noop, reason, run: null, tries: null };
  return await ports.hooks.run({ stage: 'pre-run', ...context }, stop);
}

/** Throws HOOK_FAILED when a required hook failed: no run may begin then. */
export function requireHooks(failures: readonly HookFailure[]): void {
  const required = failures.find(({ name }) => isRequiredHook(name));
  if (required === undefined) return;
  const { stage, name, why, output } = required;
  const said = output === undefined ? '' : `: ${output}`;
  throw new CodedError(`no run without the hook ${stage}/${name}: ${why}${said}`, {
    code: 'HOOK_FAILED',
    next: 'correct what the hook checks; a name without "required" does not stop a run',
  });
}

/** Whether there are programs to run after this run. */
export function hasHooksAfter({ ports, config }: Agent, run: RunSummary): boolean {
  return stagesAfter(run, config.hooks).some((stage) => ports.hooks.has(stage));
}

/**
 * Runs the programs that follow a run. The caller has reported the run: hooks must not delay its
 * status, and after a kill the run must not be repeated because of them.
 */
export async function runHooksAfter(
  agent: Agent,
  { active, hooks = [] }: Pick<Findings, 'active' | 'hooks'>,
  run: RunSummary,
  stop: AbortSignal,
): Promise<Found> {
  const failures: HookFailure[] = [];
  const { id: runId, noop, reason } = run;
  for (const stage of stagesAfter(run, agent.config.hooks)) {
    if (!agent.ports.hooks.has(stage)) continue;
    const context = { ...hostOf(agent, active), runId, noop, reason, run, tries: null };
    failures.push(...(await agent.ports.hooks.run({ stage, ...context }, stop)));
  }
  return { hooks: [...hooks, ...failures] };
}

function hostOf(
  { identity }: Agent,
  release: Findings['active'],
): Pick<HookRequest, 'certname' | 'tree' | 'environment' | 'groups' | 'release'> {
  const { certname, tree, environment, groups } = identity;
  return { certname, tree, environment, groups, release };
}
