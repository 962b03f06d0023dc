import type { HistoryEntry } from './history-entry.ts';
import { countsText } from './run-text.ts';

const TITLES = ['run', 'started', 'release', 'outcome', 'result', 'time', 'reason'];
/** Between two columns. */
const GAP = '  ';

/** The kept runs as a table, one line each. */
export function historyLines(entries: readonly HistoryEntry[]): string[] {
  const rows = [TITLES, ...entries.map(rowOf)];
  const widths = TITLES.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

function rowOf({ environment, release, run }: HistoryEntry): string[] {
  return [
    run.id,
    `${run.startedAt.slice(0, 19)}Z`,
    release === null ? environment : `${environment} ${release.version}`,
    `${run.status}${run.noop ? ' (noop)' : ''}`,
    countsText(run) ?? 'no report',
    `${run.durationSeconds.toFixed(1)} s`,
    run.reason.replaceAll('\n', ' '),
  ];
}
