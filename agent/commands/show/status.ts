import { asciiJson } from '../../../shared/clean-text.ts';
import { isFailure } from '../../core/run/run-summary.ts';
import { statusLines } from '../../core/status/status-text.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { readLocal } from './local-view.ts';

/**
 * `mm-agent status`: what this host last did and why, from its own disk. Exit 1 after a failed run.
 */
export async function status(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const { decision: _, ...view } = await readLocal(options, env);
  printAnswer(options.json ? asciiJson(view, 2) : statusLines(view, Date.now()).join('\n'));
  return view.run !== null && isFailure(view.run) ? 1 : 0;
}
