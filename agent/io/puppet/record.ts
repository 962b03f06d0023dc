import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeFileAtomic } from '../../../shared/atomic-file.ts';
import { readFile, rm } from '../../../shared/files.ts';

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

export async function writeRecord(runDirectory: string, record: RunRecord): Promise<void> {
  await writeFileAtomic(recordPath(runDirectory), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Undefined when no run is under way there, or what says so was damaged (then the machine went down, and Puppet too). */
export async function readRecord(runDirectory: string): Promise<RunRecord | undefined> {
  try {
    return RunRecord.parse(JSON.parse(await readFile(recordPath(runDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function removeRecord(runDirectory: string): Promise<void> {
  await rm(recordPath(runDirectory), { force: true });
}

function recordPath(runDirectory: string): string {
  return join(runDirectory, 'process.json');
}
