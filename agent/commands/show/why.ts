import { asciiJson } from '../../../shared/clean-text.ts';
import { explain } from '../../core/status/why-text.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { readLocal } from './local-view.ts';

/**
 * `mm-agent why`: why the last poll did something, or nothing, in plain sentences, from the disk of
 * this host. The last line is the command to try next.
 */
export async function why(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const view = await readLocal(options, env);
  const { sentences, next } = explain(view, Date.now());
  const { decision, lastPollAt, nextPollAt, nextRunAt } = view;
  printAnswer(
    options.json
      ? asciiJson({ sentences, next, decision, lastPollAt, nextPollAt, nextRunAt }, 2)
      : [...sentences, `next: ${next}`].join('\n'),
  );
  return 0;
}
