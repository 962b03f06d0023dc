import type { Bench } from './cycles.ts';
import { USERS } from './lab.ts';
import { measurePairs, pairRows } from './pairs.ts';
import { atMost, type Group, rowsOf } from './rows.ts';

/** How long the program takes to start. */
export async function start({ lab, plan, say }: Bench): Promise<Group> {
  const title = 'Start';
  const limits = plan.start;
  if (limits === undefined) return { title, rows: [] };
  say('mm-agent --version / node -e 0');
  const environment = lab.environment(USERS.machine);
  const what = 'mm-agent --version / node -e 0';
  const rows = await rowsOf(what, async () => {
    const ours = { command: { argv: [lab.programs.agent, '--version'], environment } };
    const theirs = { command: { argv: [lab.programs.node, '-e', '0'], environment } };
    return pairRows(what, await measurePairs(lab, [ours, theirs], limits), [atMost(1.5)]);
  });
  return { title, rows };
}
