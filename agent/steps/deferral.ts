import type { Agent, CycleRequest } from '../agent.ts';
import type { Decision } from '../core/decide.ts';
import type { Findings } from '../core/findings.ts';
import { type Deferral, deferralOf } from '../core/when/deferral.ts';

/**
 * Returns the deferral of the decided run or installation when it must wait, because the host is on
 * battery power or on a metered network. The conditions are checked only when there is something to
 * do. A requested run never waits.
 */
export async function findDeferral(
  { config, ports }: Pick<Agent, 'config' | 'ports'>,
  { trigger }: Pick<CycleRequest, 'trigger'>,
  { state }: Pick<Findings, 'state'>,
  { install, run }: Decision,
): Promise<Deferral | undefined> {
  const { defer_on, defer_limit } = config;
  if (trigger === 'asked' || defer_on.length === 0) return undefined;
  if (!install && run === 'no') return undefined;
  const found = await ports.condition(defer_on);
  const now = ports.clock.now();
  return deferralOf(state.deferred, found, { now, limitSeconds: defer_limit.seconds });
}
