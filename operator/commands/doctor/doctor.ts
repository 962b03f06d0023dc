import { checkLines, worst } from '../../../shared/doctor/checks.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import type { DoctorAnswer } from '../../key-answers.ts';
import { withKeptState, withTree } from '../../open-tree.ts';
import { overviewLines } from '../key/list.ts';
import { examine, titleOf } from './checks.ts';
import { checkClock } from './clock.ts';

export interface DoctorOptions extends SigningOptions {
  readonly resetClock?: boolean | undefined;
}

/**
 * `mm doctor`: whether hosts can follow the tree, for how long, and which keys could renew it. Exit
 * code 1 when something is wrong.
 */
export async function doctor(context: Context, options: DoctorOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const clock = await withKeptState(tree.config, async (stateDirectory) =>
      checkClock(context, { stateDirectory }, options),
    );
    const { checks: others, seen } = await examine(context, tree, options);
    const checks = [clock, ...others];
    const outcome = worst(checks);
    const document: DoctorAnswer = {
      schemaVersion: 1,
      bucket: tree.bucket.name,
      tree: tree.config.tree,
      outcome,
      checks: checks.map((check) => ({ ...check })),
      keys: seen?.keys ?? null,
      roles: seen?.roles ?? null,
    };
    const lines = [
      ...(seen === undefined ? [] : [...overviewLines(seen, tree.config), '']),
      ...checks.flatMap((check) => checkLines(check, titleOf(check.name))),
    ];
    return { document, lines, exitCode: outcome === 'failed' ? 1 : undefined };
  });
}
