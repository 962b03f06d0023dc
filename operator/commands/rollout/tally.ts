import type { StatusDocument } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import { isInRollout } from '../../../trust/selection.ts';
import { failureOf, hasFailed } from '../../hosts/summary.ts';
import type { Slots } from '../../metadata/slots.ts';

/** The progress of a host with the release that is rolled out, by its own status. */
export type Progress =
  | { readonly kind: 'done' }
  | { readonly kind: 'waiting' | 'failing'; readonly why: string }
  /** The rollout does not reach this host yet. */
  | { readonly kind: 'outside' };

/**
 * What the status of a host says about the release in `next`, or, without a rollout, in `current`.
 * The certname is that of the object key, because a host on EC2 can write no other key.
 */
export function progressOf(
  { current, next }: Slots,
  status: StatusDocument,
  { certname, now }: { readonly certname: string; readonly now: number },
): Progress {
  const target = next ?? current;
  const host = { certname, groups: status.groups };
  if (target === undefined || (next !== undefined && !isInRollout(next, host))) {
    return { kind: 'outside' };
  }
  const { release, offered, run, disabled, times, writtenAt } = status;
  const isActive = release?.sha256 === target.sha256;
  const hasRun = run !== null && run.status !== 'skipped' && isActive && !isBefore(run, release);
  if (hasRun && hasFailed(run)) return { kind: 'failing', why: failureOf(run) };
  if (hasRun) return { kind: 'done' };
  const isOffered = offered?.sha256 === target.sha256;
  if (isOffered && offered.why.startsWith('not installed: ')) {
    return { kind: 'failing', why: printable(offered.why, 200) };
  }
  return { kind: 'waiting', why: printable(waitingWhy(), 200) };

  function waitingWhy(): string {
    if (Date.parse(times.nextExpectedAt) < now) return `silent since ${writtenAt}`;
    if (disabled !== null) return `disabled: ${disabled.reason}`;
    if (isActive) return run?.status === 'skipped' ? run.reason : 'it has not run it yet';
    return isOffered ? offered.why : 'it has not seen it yet';
  }
}

/** The run applied the release that was active before. */
function isBefore(
  { startedAt }: NonNullable<StatusDocument['run']>,
  { activatedAt }: NonNullable<StatusDocument['release']>,
): boolean {
  return Date.parse(startedAt) < Date.parse(activatedAt);
}
