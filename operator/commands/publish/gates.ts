import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import type { GatesAnswer } from '../../answers.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import {
  type GatesRequest,
  type GatesResult,
  isRefused,
  passGates,
} from '../../release/gates/gates.ts';
import { type GateProblem, linesOf } from '../../release/gates/problem.ts';
import type { Source } from '../../release/source/read-source.ts';
import type { PublishOptions } from './what-to-publish.ts';

/** Limit of problems on a terminal, where each needs three lines. */
const MAX_SHOWN = 20;
/** Limit of problems in a `--json` answer. */
const MAX_LISTED = 500;

/**
 * Checks what Puppet would load of a release and shows warnings. Returns null with `--no-validate`.
 * Throws RELEASE_INVALID with all errors, PUPPET_MISSING, PUPPET_FAILED.
 */
export async function checkRelease(
  context: Context,
  { stateDirectory }: TreeConfig,
  source: Source,
  { noop = false, validate = true, strict: isStrict = false }: PublishOptions,
): Promise<GatesAnswer | null> {
  if (!validate) {
    context.notice('nothing of what Puppet would load was checked: --no-validate');
    return null;
  }
  const result = await runGates(context, source, { stateDirectory, isKept: !noop, isStrict });
  if (isRefused(result, isStrict)) throw refused(result, isStrict);
  const { problems, skipped } = result;
  for (const line of [...problems.slice(0, MAX_SHOWN).map(warning), ...skipped]) {
    context.notice(line);
  }
  if (problems.length > MAX_SHOWN) {
    context.notice(`and ${problems.length - MAX_SHOWN} more of them; --json lists them`);
  }
  context.notice(summary(result));
  return { ...gatesAnswer(result), warnings: problems.slice(0, MAX_LISTED) };
}

/** What was checked, for an answer. */
export function gatesAnswer({
  loaded,
  checked,
  tools,
  skipped,
}: GatesResult): Pick<GatesAnswer, 'loaded' | 'checked' | 'tools' | 'skipped'> {
  const versions = tools === undefined ? null : { ...tools };
  return { loaded, checked, tools: versions, skipped: [...skipped] };
}

/**
 * Runs the gates. The verdicts are in the kept state; without one every file is checked. Throws
 * PUPPET_FAILED, FILE_UNSAFE.
 */
export async function runGates(
  context: Pick<Context, 'env' | 'showProgress'>,
  { tree, conf }: Pick<Source, 'tree' | 'conf'>,
  given: Pick<GatesRequest, 'isKept' | 'isStrict' | 'showsAll'> & {
    readonly stateDirectory: string | undefined;
  },
): Promise<GatesResult> {
  const { stateDirectory, ...how } = given;
  const { env } = context;
  return await withTemporaryDirectory('gates', async (directory) => {
    const verdictFile = join(stateDirectory ?? directory, 'gates');
    if (stateDirectory !== undefined) requireOwn(verdictFile, 'the list of checked files');
    using progress = context.showProgress?.({ what: 'checking the release', unit: 'file' });
    return await passGates({
      ...{ tree, conf, env, verdictFile, directory, ...how },
      onProgress: (done, total) => progress?.at(done, total),
    });
  });
}

function warning(problem: GateProblem): string {
  return `warning: ${linesOf(problem)[0]}`;
}

/** How much was checked, and by what. */
export function summary({ loaded, checked, tools, skipped }: GatesResult): string {
  if (tools === undefined) {
    return skipped.length > 0
      ? `checked 0 of ${counted(loaded, 'file')} that Puppet would load`
      : `${counted(loaded, 'file')} that Puppet would load: found good before`;
  }
  const lint = tools.lint === null ? '' : `, puppet-lint ${tools.lint}`;
  return `checked ${checked} of ${counted(loaded, 'file')} that Puppet would load (Puppet ${tools.puppet}${lint})`;
}

function refused({ problems, skipped, tools }: GatesResult, isStrict: boolean): CodedError {
  if (problems.length === 0) {
    return new CodedError(skipped, {
      code: 'PUPPET_MISSING',
      next: 'install what is missing, or publish without --strict',
    });
  }
  const judged = isStrict ? problems : problems.filter(({ level }) => level === 'error');
  const shown = judged.slice(0, MAX_SHOWN).flatMap(linesOf);
  const more = judged.length - MAX_SHOWN;
  if (more > 0) shown.push(`and ${more} more; --json lists ${MAX_LISTED}`);
  const what = counted(judged.length, isStrict ? 'problem' : 'error');
  // Code for hosts with a newer Ruby is wrong for the one of this machine.
  const by = tools === undefined ? '' : `; checked by Puppet ${tools.puppet} on Ruby ${tools.ruby}`;
  const strict = isStrict ? ' (--strict counts warnings)' : '';
  return new CodedError([`${what}${strict} in what Puppet would load:`, ...shown], {
    code: 'RELEASE_INVALID',
    next: `correct them, or leave out what no host uses with publish.exclude; nothing was uploaded${by}`,
    details: { problems: problems.slice(0, MAX_LISTED) },
  });
}
