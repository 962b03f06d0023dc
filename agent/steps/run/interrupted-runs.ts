import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';
import type { Agent } from '../../agent.ts';
import type { Findings, Found, RunResult } from '../../core/findings.ts';
import { readEndedRun, rememberRun } from './ended-run.ts';
import { removeView } from './view.ts';

/**
 * Waits for runs whose agent was killed, and yields what each of them did. The caller reports each
 * run before the next one: this cycle may run Puppet again, and the status has room for one run.
 * All run directories are read, because after a clock was set back the newest name is not the
 * latest run.
 */
export async function* finishInterruptedRuns(
  agent: Agent,
  findings: Findings,
  stop: AbortSignal,
): AsyncGenerator<Found & { readonly run: RunResult }> {
  const { paths, ports } = agent;
  const names = orUndefined(() => readdirSync(paths.runs)) ?? [];
  for (const name of names.sort()) {
    const run = await ports.puppet.pickUp(join(paths.runs, name), stop);
    if (run === undefined) continue;
    ports.log.warn('run.picked-up', { runId: run.runId, end: run.exit.kind });
    const why = 'its agent was ended during the run; a later agent waited for its end';
    const result = await readEndedRun(agent, findings.active, { ...run, why });
    yield {
      run: result,
      state: run.noop ? {} : rememberRun(agent, findings, result, run.exit),
    };
  }
  // Also after a power cut, when no record of the run is left.
  removeView(paths);
}
