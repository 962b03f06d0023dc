import { setTimeout as sleep } from 'node:timers/promises';
import {
  commandLine,
  hasStartedSince,
  isOwn,
  type ProcessRow,
  processTable,
} from '../../host/processes.ts';
import { reportPath } from '../run-directory/paths.ts';
import type { RunRecord } from '../run-directory/run-record.ts';
import type { Launched, LeaderEnd } from './supervise.ts';
import { launchedIn } from './unit.ts';

const POLL_MS = 250;

/** Finds the Puppet of a run that an earlier agent started, when it is still running. */
export async function findLaunched(runDirectory: string, record: RunRecord): Promise<Launched> {
  if (record.unit !== null) return await launchedIn(record.unit);
  const leader =
    record.process === undefined
      ? await guessLeader(runDirectory, record)
      : await recordedLeader(record.process);
  return { pid: leader?.pid, ended: leader === undefined ? UNSEEN : endOf(leader) };
}

const UNSEEN = Promise.resolve<LeaderEnd>({ kind: 'unseen' });

/** The process id may belong to another process by now, also to one of another user. */
async function recordedLeader({
  pid,
  started,
}: NonNullable<RunRecord['process']>): Promise<ProcessRow | undefined> {
  const row = (await processTable()).find((process) => process.pid === pid);
  return row?.started === started && (await isOwn(pid)) ? row : undefined;
}

/**
 * The agent died after it started Puppet and before it recorded the process. Puppet has the path of
 * the report in its arguments; but any user can start a process with such arguments, so only one of
 * this user counts, and only if it started after the record was written. A fork of Puppet that has
 * not executed its command yet has the same arguments, and its parent has them, too.
 */
async function guessLeader(
  runDirectory: string,
  record: RunRecord,
): Promise<ProcessRow | undefined> {
  const marker = ` ${reportPath(runDirectory)} `;
  const leaders = (await processTable()).filter(
    (row) => row.pid === row.group && hasStartedSince(row, record),
  );
  const own: ProcessRow[] = [];
  for (const row of leaders) {
    const isMarked = (await commandLine(row.pid)).includes(marker);
    if (isMarked && (await isOwn(row.pid))) own.push(row);
  }
  return own.find(({ parent }) => !own.some(({ pid }) => pid === parent));
}

async function endOf(leader: ProcessRow): Promise<LeaderEnd> {
  const isLeader = ({ pid, started }: ProcessRow) =>
    pid === leader.pid && started === leader.started;
  while ((await processTable()).some(isLeader)) await sleep(POLL_MS);
  return await UNSEEN;
}
