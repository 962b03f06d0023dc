import { asciiJson } from '../../../shared/clean-text.ts';
import { historyLines } from '../../core/run/history-text.ts';
import { outcomeMark } from '../../core/status/marks.ts';
import { requireReadable } from '../../io/host/permission.ts';
import { printAnswer } from '../../io/print-answer.ts';
import { readHistory } from '../../io/run-history.ts';
import type { Options } from '../../options.ts';
import { localPaths } from '../../paths.ts';
import { noRuns } from './log.ts';

/** `mm-agent history`: the last runs of this host, the newest first. */
export function history(options: Options, env: NodeJS.ProcessEnv): number {
  const { history: directory } = localPaths(options.root);
  requireReadable(directory, options.argv);
  const entries = readHistory(directory);
  if (options.json) printAnswer(asciiJson(entries, 2));
  else if (entries.length === 0) throw noRuns(directory);
  else printAnswer(historyLines(entries).join('\n'), { markOf: outcomeMark, env });
  return 0;
}
