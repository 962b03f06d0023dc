import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, type ProcessRow, processTable } from '../../locks/processes.ts';
import { reportPath } from '../command.ts';
import type { RunRecord } from '../record.ts';
import type { Launched, LeaderEnd } from './supervise.ts';
import { launchedIn } from './unit.ts';

const POLL_MS = 250;

/** The Puppet of a run that another agent started, if it is still there. */
export async function findLaunched(runDirectory: string, record: RunRecord): Promise<Launched> {
  if (record.unit !== null) return await launchedIn(record.unit);
  const leader = await leaderOf(runDirectory);
  return { pid: leader?.pid, ended: leader === undefined ? UNSEEN : endOf(leader) };
}

const UNSEEN = Promise.resolve<LeaderEnd>({ kind: 'unseen' });

/** A fork of Puppet that has not become another program yet has the same command line, but a parent that has it too. */
async function leaderOf(runDirectory: string): Promise<ProcessRow | undefined> {
  const marker = ` ${reportPath(runDirectory)} `;
  const leaders = (await processTable()).filter(({ pid, group }) => pid === group);
  const ours: ProcessRow[] = [];
  for (const row of leaders) if ((await commandLine(row.pid)).includes(marker)) ours.push(row);
  return ours.find(({ parent }) => !ours.some(({ pid }) => pid === parent));
}

async function endOf(leader: ProcessRow): Promise<LeaderEnd> {
  const isLeader = ({ pid, started }: ProcessRow) =>
    pid === leader.pid && started === leader.started;
  while ((await processTable()).some(isLeader)) await sleep(POLL_MS);
  return await UNSEEN;
}
