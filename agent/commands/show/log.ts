import { styleText } from 'node:util';
import { asciiJson, printableLines } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { HistoryEntry } from '../../core/run/history-entry.ts';
import { levelOf } from '../../core/run/puppet-line.ts';
import { requireReadable } from '../../io/host/permission.ts';
import { printAnswer } from '../../io/print-answer.ts';
import { readHistory, readKeptOutput } from '../../io/run-history.ts';
import type { Options } from '../../options.ts';
import { localPaths } from '../../paths.ts';

/** `mm-agent log [RUN]`: what Puppet printed in the last run, or in the one that is named. */
export function log(options: Options): number {
  const { history } = localPaths(options.root);
  requireReadable(history, options.argv);
  const entries = readHistory(history);
  if (entries.length === 0) throw noRuns(history);
  const entry = chosen(entries, options.operands);
  const text = readKeptOutput(history, entry.run.id)?.trimEnd() || undefined;
  if (options.json) {
    printAnswer(asciiJson({ ...entry, output: text?.split('\n') ?? [] }, 2));
  } else if (text === undefined) {
    const { id, status, error } = entry.run;
    printAnswer(`run ${id} (${status}) has no output: ${error ?? 'Puppet printed nothing'}`);
  } else process.stdout.write(`${printableLines(text).split('\n').map(painted).join('\n')}\n`);
  return 0;
}

/** The error of `history` and `log` on a host without a kept run. */
export function noRuns(directory: string): CodedError {
  return new CodedError(`no run is kept on this host: found none in ${directory}`, {
    code: 'STATUS_INVALID',
    next: 'mm-agent --once',
  });
}

function chosen(entries: readonly HistoryEntry[], words: readonly string[]): HistoryEntry {
  const [wanted = '', ...others] = words;
  const found = entries.filter(({ run }) => run.id.startsWith(wanted));
  const [first] = found;
  const isOne = wanted === '' || found.length === 1;
  if (first !== undefined && isOne && others.length === 0) return first;
  const what = `wanted the id of one kept run, found ${JSON.stringify(words.join(' '))}`;
  const why = found.length > 1 ? `: ${found.length} runs begin with it` : '';
  throw new CodedError(`${what}${why}`, { code: 'USAGE', next: 'mm-agent history' });
}

/** Only on a terminal: styleText looks at stdout and at NO_COLOR. */
function painted(line: string): string {
  const level = levelOf(line);
  if (level === 'error') return styleText('red', line, { stream: process.stdout });
  return level === 'warn' ? styleText('yellow', line, { stream: process.stdout }) : line;
}
