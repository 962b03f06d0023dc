import { asciiJson } from '../../../shared/clean-text.ts';
import { DETAILED_EXIT_CODES, EXIT_CODES } from '../../core/exit-code.ts';
import { diffLines } from '../../core/status/diff-text.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { once } from '../once.ts';

/**
 * `mm-agent diff`: a noop run of the active release, with a summary of what would change. It does
 * not ask the bucket, and the state and the status of the host stay as they were. The exit code is
 * that of `--once --noop`; with `--detailed-exitcodes` it is 2 when something would change.
 */
export async function diff(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const { run, exitCode } = await once({ ...options, noop: true, showDiff: true }, env);
  if (run === undefined) return exitCode;
  const lines =
    run.status === 'skipped' ? [...diffLines(run), nextOf(exitCode, options)] : diffLines(run);
  printAnswer(options.json ? asciiJson(run, 2) : lines.join('\n'));
  const isChange = run.status === 'pending' && options.detailedExitCodes;
  return isChange ? DETAILED_EXIT_CODES.changed.code : exitCode;
}

/** `mm-agent why` knows nothing of a release that is only looked for here. */
function nextOf(exitCode: number, { environment }: Options): string {
  if (exitCode !== EXIT_CODES.noRelease.code) return 'next: mm-agent why';
  const other = environment === undefined ? '' : ` --environment ${environment}`;
  return `next: mm-agent --once --noop${other}`;
}
