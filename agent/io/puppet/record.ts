import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';

/**
 * `process.json` in a run directory: there while the run is under way. It lies there before Puppet starts, so that no
 * death of the agent leaves a Puppet that nobody knows of. It names no process: Puppet is known by the run directory in
 * its command line, which no later process with the same id has.
 */
const RunRecord = z.object({
  schemaVersion: z.literal(1),
  runId: z.string().check(z.maxLength(64)),
  /** ms since 1970. */
  startedAt: z.number(),
  limitAt: z.number(),
  noop: z.boolean(),
  /** The transient unit that it runs in; null when it is in a process group of the agent's host. */
  unit: z.nullable(z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;

export function writeRecord(runDirectory: string, record: RunRecord): void {
  writeFileAtomicSync(recordPath(runDirectory), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Undefined when no run is under way there, or what says so was damaged (then the machine went down, and Puppet too). */
export function readRecord(runDirectory: string): RunRecord | undefined {
  try {
    return RunRecord.parse(JSON.parse(readFileSync(recordPath(runDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

export function removeRecord(runDirectory: string): void {
  rmSync(recordPath(runDirectory), { force: true });
}

function recordPath(runDirectory: string): string {
  return join(runDirectory, 'process.json');
}
