import { CodedError, DISPOSITION, type ErrorCode } from '../../shared/coded-error.ts';
import type { Trigger } from './decide.ts';
import type { HostState } from './state.ts';

/**
 * How long polls do not try a refused release again. The limit means that a corrected tarball is
 * installed within this time, while the fleet does not download a bad one at every poll.
 */
const TRY_AGAIN_MS = 3_600_000;

/** What the state keeps of a refused release; null for an error that may be temporary. */
export function refusalOf(sha256: string, error: CodedError, now: number): HostState['refused'] {
  if (DISPOSITION[error.code] !== 'hold') return null;
  const message = error.message.slice(0, 1000);
  return { sha256, code: error.code, message, at: new Date(now).toISOString() };
}

/**
 * Returns the error of an earlier cycle that a poll would only repeat; undefined when the release
 * must be tried. Scheduled and requested runs always try.
 */
export function earlierRefusal(
  refused: HostState['refused'],
  sha256: string,
  { trigger, now }: { readonly trigger: Trigger; readonly now: number },
): CodedError | undefined {
  if (trigger !== 'poll' || refused === null || refused.sha256 !== sha256) return undefined;
  const age = now - Date.parse(refused.at);
  if (age < 0 || age >= TRY_AGAIN_MS) return undefined;
  return new CodedError(refused.message, { code: refused.code as ErrorCode });
}
