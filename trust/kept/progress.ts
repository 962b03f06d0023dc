import type { GuardedClock } from '../metadata/clock.ts';
import { roleFile } from '../metadata/role-names.ts';
import type { PassEnd } from '../workflow/pass.ts';
import type { Start } from './start.ts';
import { keepFiles, type TrustRecord, writeRecord } from './trust-directory.ts';

const ROOT_INTERVAL_MS = 86_400_000;
/** The stored clock floor may be this much too low, so that an idle poll need not write. */
const CLOCK_INTERVAL_MS = 6 * 3_600_000;

/**
 * Whether a newer root must be requested: once a day, and when the last time is in the future,
 * because the clock was wrong then.
 */
export function isRootDue(record: TrustRecord | undefined, now: number): boolean {
  const since = now - (record?.askedForRootAt ?? 0);
  return since < 0 || since >= ROOT_INTERVAL_MS;
}

/**
 * Stores the result of a pass. After a refusal it stores newer roots only: they were verified, and
 * a host that forgot them could be led back to revoked keys (TUF 5.3.8).
 */
export function keepEnd(directory: string, start: Start, end: PassEnd): 'unchanged' | 'updated' {
  const isRefused = end.outcome.kind === 'refused';
  const hasNewRoot = end.rootVersion > start.chain.version || start.isNewAnchor;
  if (isRefused && !hasNewRoot) return 'unchanged';
  const files = new Map([...(isRefused ? start.local : end.files), ...end.roots]);
  if (start.isCurrent && isSame(files, start.files)) return 'unchanged';
  keepFiles(directory, files);
  return 'updated';
}

/**
 * Stores what no signed file contains, when it changed enough for a write. Must be called after the
 * files are stored, because the record must not be newer than they are.
 */
export function keepRecord(
  directory: string,
  start: Start,
  end: Pick<PassEnd, 'outcome' | 'files' | 'rootVersion' | 'askedForRoot'> & {
    readonly clock: GuardedClock;
  },
): void {
  const { record, anchor, rootFloor } = start;
  const { rootVersion, askedForRoot, clock } = end;
  const next: TrustRecord = {
    anchor,
    rootVersion: Math.max(rootFloor, rootVersion),
    askedForRootAt: askedForRoot ? clock.certain : (record?.askedForRootAt ?? 0),
    clockFloor: clock.floor,
    named: namedElsewhere(start, end),
  };
  const isNews =
    record === undefined ||
    askedForRoot ||
    next.anchor !== record.anchor ||
    next.rootVersion !== record.rootVersion ||
    next.named.join() !== record.named.join() ||
    next.clockFloor - record.clockFloor >= CLOCK_INTERVAL_MS;
  if (isNews) writeRecord(directory, next);
}

/**
 * Returns the roles for the record: their file had an `x-role`, and is not among the kept files,
 * because this refresh did not request it.
 */
function namedElsewhere(
  { named, record, isNewAnchor }: Start,
  { outcome, files }: Pick<PassEnd, 'outcome' | 'files'>,
): string[] {
  if (outcome.kind === 'refused') return isNewAnchor ? [] : (record?.named ?? []);
  const { roles = {} } = outcome.trusted.metadata.targets.signed.delegations ?? {};
  const isElsewhere = (role: string) => Object.hasOwn(roles, role) && !files.has(roleFile(role));
  return [...named].filter(isElsewhere).sort();
}

function isSame(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => b.get(name)?.equals(bytes) === true);
}
