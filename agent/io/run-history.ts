import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { replaceFileSync } from '../../shared/atomic-file.ts';
import { messageOf } from '../../shared/clean-text.ts';
import { ifPresent, orUndefined, readStart } from '../../shared/files.ts';
import { foreignText, readForeignFile } from '../../shared/foreign-file.ts';
import { parseJson } from '../../shared/json.ts';
import { HistoryEntry } from '../core/run/history-entry.ts';
import type { Log, RunHistory } from '../ports.ts';
import { MAX_OUTPUT_BYTES } from './puppet/output/follow-output.ts';
import { keptOutput, MAX_KEPT_BYTES } from './puppet/output/kept-output.ts';
import { outputPath } from './puppet/run-directory/paths.ts';

/*
 * The last runs of this host: `<run>.json` is what a run did, `<run>.log.gz` what Puppet printed.
 * Only root may enter the directory. prune.ts removes older ones.
 */

const MAX_ENTRY_BYTES = 256 * 1024;

/** Writes the history in `directory`. */
export function runHistory(directory: string, log: Log): RunHistory {
  return {
    add(entry, runDirectory) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const printed = readPrinted(runDirectory);
        if (printed !== undefined) {
          const output = gzipSync(keptOutput(printed));
          replaceFileSync(logPath(directory, entry.run.id), output, { mode: 0o600 });
        }
        const text = `${JSON.stringify(entry)}\n`;
        replaceFileSync(entryPath(directory, entry.run.id), text, { mode: 0o600 });
      } catch (error) {
        log.warn('history.not-saved', { path: directory, error: messageOf(error) });
      }
    },
  };
}

/** Reads the kept runs, the newest first. What cannot be read is left out. */
export function readHistory(directory: string): HistoryEntry[] {
  const names = ifPresent(() => readdirSync(directory)) ?? [];
  const files = names
    .filter((name) => name.endsWith(ENTRY))
    .map((name) => ({ path: join(directory, name), at: modified(join(directory, name)) }));
  // By the time of writing: after a clock was set back, a name says little.
  files.sort((a, b) => b.at - a.at || (a.path < b.path ? 1 : -1));
  return files.flatMap(({ path }) => {
    const parsed = HistoryEntry.safeParse(parseJson(foreignText(path, MAX_ENTRY_BYTES)));
    return parsed.success ? [parsed.data] : [];
  });
}

/** What Puppet printed in a kept run; undefined when nothing of it is kept. */
export function readKeptOutput(directory: string, runId: string): string | undefined {
  const file = readForeignFile(logPath(directory, runId), 2 * MAX_KEPT_BYTES);
  if (file.kind !== 'read') return undefined;
  const options = { maxOutputLength: 2 * MAX_KEPT_BYTES };
  return orUndefined(() => gunzipSync(file.bytes, options).toString());
}

const ENTRY = '.json';

function entryPath(directory: string, runId: string): string {
  return join(directory, fileName(runId) + ENTRY);
}

function logPath(directory: string, runId: string): string {
  return join(directory, `${fileName(runId)}.log.gz`);
}

/** The id of a run that could not start has colons. No name may lead out of the directory. */
function fileName(runId: string): string {
  return runId.replaceAll(/[^\w.:-]/g, '_').replace(/^\.+/, '_');
}

function readPrinted(runDirectory: string): Buffer | undefined {
  return orUndefined(() => readStart(outputPath(runDirectory), MAX_OUTPUT_BYTES));
}

function modified(path: string): number {
  return orUndefined(() => statSync(path).mtimeMs) ?? 0;
}
