import { setTimeout as sleep } from 'node:timers/promises';
import { groupExists, type ProcessRow, processTable, sendSignal } from '../../locks/processes.ts';

const POLL_MS = 100;

/**
 * The processes of a run: the group that Puppet leads and all that descends from it. Puppet gives every command that it
 * runs a session of its own (puppet/util/execution.rb), so the group alone would leave a hanging `apt-get` behind; and
 * a service that Puppet started has another parent by then, so it is none of them.
 */
export interface Family {
  signal(name: NodeJS.Signals): Promise<void>;
  isGone(): Promise<boolean>;
}

export function familyOf(leader: number): Family {
  let known: readonly ProcessRow[] = [];
  const look = async () => {
    known = members(await processTable(), known, leader);
  };
  return {
    signal: async (name) => {
      await look();
      sendSignal(-leader, name);
      for (const { pid, group } of known) if (group !== leader) sendSignal(pid, name);
    },
    isGone: async () => {
      await look();
      return known.length === 0;
    },
  };
}

/** Who of those known is still there, who else is in the group, and what descends from them. */
function members(
  table: readonly ProcessRow[],
  known: readonly ProcessRow[],
  leader: number,
): readonly ProcessRow[] {
  const wasKnown = new Set(known.map(({ pid, started }) => `${pid} ${started}`));
  const pids = new Set(
    table
      .filter(({ pid, group, started }) => group === leader || wasKnown.has(`${pid} ${started}`))
      .map(({ pid }) => pid),
  );
  for (let size = -1; size !== pids.size; ) {
    size = pids.size;
    for (const { pid, parent } of table) if (pids.has(parent)) pids.add(pid);
  }
  return table.filter(({ pid }) => pids.has(pid));
}

/**
 * SIGTERM to the family, SIGKILL to what is left of it after the grace; resolves with the last signal when it is gone.
 * Only a process that not even SIGKILL ends, in the kernel's hands, is given up on, after another grace.
 */
export async function endFamily(
  leader: number,
  graceMs: number,
  leaderHasEnded: () => boolean,
): Promise<NodeJS.Signals> {
  const family = familyOf(leader);
  const isGone = async () => (await family.isGone()) && leaderHasEnded();
  await family.signal('SIGTERM');
  if (await comesTrue(isGone, graceMs)) return 'SIGTERM';
  const kill = async () => {
    await family.signal('SIGKILL');
    return await isGone();
  };
  await comesTrue(kill, Math.max(graceMs, 1000));
  return 'SIGKILL';
}

/** A daemon that has just been started may not have left the group yet. */
const LEAVE_MS = 1000;

/** What Puppet left in its group when it ended by itself is ended: only who leaves the group is a service. */
export async function endLeftovers(leader: number, graceMs: number): Promise<void> {
  if (!groupExists(leader) || (await comesTrue(() => familyOf(leader).isGone(), LEAVE_MS))) return;
  await endFamily(leader, graceMs, () => true);
}

async function comesTrue(test: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (!(await test())) {
    if (performance.now() >= until) return false;
    await sleep(POLL_MS);
  }
  return true;
}
