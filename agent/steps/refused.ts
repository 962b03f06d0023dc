import { CodedError, DISPOSITION, type ErrorCode } from '../../shared/coded-error.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import type { Draft } from '../core/draft.ts';
import type { HostState } from '../core/state.ts';

/** A blob that somebody puts right is taken within this, without a fleet that fetches a bad one at every poll. */
const TRY_AGAIN_MS = 3_600_000;

/** What to remember of a release that could not be taken; null for what may pass by itself. */
export function refusal(agent: Agent, { release }: Draft, error: CodedError): HostState['refused'] {
  if (release === undefined || DISPOSITION[error.code] !== 'hold') return null;
  const at = new Date(agent.ports.clock.now()).toISOString();
  const message = error.message.slice(0, 1000);
  return { sha256: release.sha256, code: error.code, message, at };
}

/** The error of an earlier poll that a further one would only meet again. Runs and people try anew. */
export function refusedBefore(
  agent: Agent,
  request: CycleRequest,
  { release, state: { refused } }: Draft,
): CodedError | undefined {
  if (request.trigger !== 'poll' || refused === null || refused.sha256 !== release?.sha256) {
    return undefined;
  }
  const age = agent.ports.clock.now() - Date.parse(refused.at);
  if (age < 0 || age >= TRY_AGAIN_MS) return undefined;
  return new CodedError(refused.message, { code: refused.code as ErrorCode });
}
