import { setTimeout as sleep } from 'node:timers/promises';
import { groupExists, type ProcessRow, processTable, sendSignal } from '../../host/processes.ts';

const POLL_MS = 100;

/**
 * The processes of a run: the process group that Puppet leads, and all descendants. Puppet starts
 * each command in a session of its own (puppet/util/execution.rb), so the group alone would leave a
 * hanging `apt-get` behind. A service that Puppet started has another parent and is not part of it.
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

/**
 * Returns the known processes that still exist, the members of the group, and their descendants.
 */
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
 * Sends SIGTERM to the family, then SIGKILL to what is left after the grace time. Resolves with the
 * last signal when the family is gone. A process that is stuck in the kernel survives SIGKILL;
 * after another grace time this function no longer waits for it.
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

/** A daemon that was just started may need a moment to leave the group. */
const LEAVE_MS = 1000;

/**
 * Ends what Puppet left in its group. Services leave the group; what stays in it is not a service.
 */
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
