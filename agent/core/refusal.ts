import { CodedError, DISPOSITION, type ErrorCode } from '../../shared/coded-error.ts';
import type { Trigger } from './decide.ts';
import type { HostState } from './state.ts';

/**
 * How long polls do not try a refused release again. A corrected tarball is installed within this
 * time, and a fleet does not download a bad one at every poll.
 */
const TRY_AGAIN_MS = 3_600_000;

/** What the state remembers of a refused release; null for an error that may be temporary. */
export function refusalOf(sha256: string, error: CodedError, now: number): HostState['refused'] {
  if (DISPOSITION[error.code] !== 'hold') return null;
  const message = error.message.slice(0, 1000);
  return { sha256, code: error.code, message, at: new Date(now).toISOString() };
}

/**
 * The error of an earlier cycle that a poll would only repeat; undefined when the release must be
 * tried. Scheduled runs and people always try.
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
