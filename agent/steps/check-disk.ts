import { readOnlyError } from '../../shared/disk-error.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import type { Findings, Found } from '../core/findings.ts';
import { trustAfterError } from '../core/status/trust-status.ts';

/**
 * Checks whether this cycle can write its files. Without its lock, or with a state directory that
 * cannot be written, it only reports, because Puppet could not keep its own state either. Such a
 * cycle logs one line. A full disk does not block a cycle: the cycle can remove old releases and
 * use the reserves.
 */
export function checkDisk(
  { paths, ports }: Pick<Agent, 'paths' | 'ports'>,
  { lockError }: Pick<CycleRequest, 'lockError'>,
  { state }: Pick<Findings, 'state'>,
): Found {
  const error = lockError ?? readOnlyError(paths.state);
  if (error === undefined) return {};
  const { code, message, next } = error;
  ports.log.error('cycle.blocked', { code, error: message, next });
  const trust = trustAfterError(state.status?.trust, error);
  return { blocked: message, refresh: { kind: 'failed', error, trust } };
}
