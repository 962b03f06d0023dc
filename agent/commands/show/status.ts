import { asciiJson } from '../../../shared/clean-text.ts';
import { isFailure } from '../../core/run/run-summary.ts';
import { statusMark } from '../../core/status/marks.ts';
import { statusLines } from '../../core/status/status-text.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { readLocal } from './local-view.ts';

/**
 * `mm-agent status`: what this host last did and why, from its own disk. Exit 1 after a failed run.
 */
export async function status(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const { decision: _, ...view } = await readLocal(options, env);
  if (options.json) printAnswer(asciiJson(view, 2));
  else printAnswer(statusLines(view, Date.now()).join('\n'), { markOf: statusMark, env });
  return view.run !== null && isFailure(view.run) ? 1 : 0;
}
