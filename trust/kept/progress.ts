import type { PassEnd } from '../workflow/pass.ts';
import type { Start } from './start.ts';
import { keepFiles, type TrustRecord, writeRecord } from './trust-directory.ts';

const ROOT_INTERVAL_MS = 86_400_000;
/** How far behind the recorded time of S3 may be: an idle poll does not write. */
const SERVER_DATE_INTERVAL_MS = 6 * 3_600_000;

/** Once a day, and also when the last time lies ahead: the clock was wrong then. */
export function isRootDue(record: TrustRecord | undefined, now: number): boolean {
  const since = now - (record?.askedForRootAt ?? 0);
  return since < 0 || since >= ROOT_INTERVAL_MS;
}

/**
 * Keeps what a pass ended with. After a refusal that is newer roots alone: they were vouched for, and a host that forgot
 * them could be led back to keys that were revoked.
 */
export function keepEnd(directory: string, start: Start, end: PassEnd): 'unchanged' | 'updated' {
  const isRefused = end.outcome.kind === 'refused';
  const hasNewRoot = end.rootVersion > start.chain.version || start.isNewAnchor;
  if (isRefused && !hasNewRoot) return 'unchanged';
  const files = new Map([...(isRefused ? start.local : end.files), ...end.roots]);
  if (isSame(files, start.files)) return 'unchanged';
  keepFiles(directory, files);
  return 'updated';
}

/** Records what no signed file tells, when that is worth a write. After the files: it must not promise more than they. */
export function keepRecord(
  directory: string,
  start: Start,
  seen: {
    readonly rootVersion: number;
    readonly askedForRoot: boolean;
    readonly now: number;
    readonly serverDate: number | undefined;
  },
): void {
  const { record, anchor, rootFloor } = start;
  const next: TrustRecord = {
    anchor,
    rootVersion: Math.max(rootFloor, seen.rootVersion),
    askedForRootAt: seen.askedForRoot ? seen.now : (record?.askedForRootAt ?? 0),
    serverDate: Math.max(record?.serverDate ?? 0, seen.serverDate ?? 0),
  };
  const isNews =
    record === undefined ||
    seen.askedForRoot ||
    next.anchor !== record.anchor ||
    next.rootVersion !== record.rootVersion ||
    next.serverDate - record.serverDate >= SERVER_DATE_INTERVAL_MS;
  if (isNews) writeRecord(directory, next);
}

function isSame(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => b.get(name)?.equals(bytes) === true);
}
