import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomicSync } from '../../../../shared/atomic-file.ts';
import { foreignText } from '../../../../shared/foreign-file.ts';
import { environmentFile } from './paths.ts';

/**
 * `process.json` in a run directory exists while the run is under way. It is written before Puppet
 * starts, so that an agent that is killed at any moment never leaves a Puppet that later agents do
 * not know of.
 */
const RunRecord = z.object({
  schemaVersion: z.literal(1),
  runId: z.string().max(64),
  /** ms since 1970. */
  startedAt: z.number(),
  /** ms since 1970. */
  limitAt: z.number(),
  noop: z.boolean(),
  /** The transient unit of systemd; null when the run is a process group. */
  unit: z.string().nullable(),
  /** Seconds since boot when the record was written first. Missing in records of older agents. */
  uptimeSeconds: z.number().optional(),
  /** The leader of the process group. Missing until it has been started. */
  process: z.object({ pid: z.int().positive(), started: z.string() }).optional(),
});
export type RunRecord = z.infer<typeof RunRecord>;

const MAX_BYTES = 4096;

/** Stores the record of a run in one step. */
export function writeRunRecord(runDirectory: string, record: RunRecord): void {
  writeFileAtomicSync(recordPath(runDirectory), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/**
 * Returns undefined when no run is under way there. A damaged record counts as missing: it means
 * that the machine went down, and Puppet with it.
 */
export function readRunRecord(runDirectory: string): RunRecord | undefined {
  try {
    return RunRecord.parse(JSON.parse(foreignText(recordPath(runDirectory), MAX_BYTES) ?? ''));
  } catch {
    return undefined;
  }
}

/** Removes the record of a run that has ended, and secrets that no Puppet has read. */
export function removeRunRecord(runDirectory: string): void {
  rmSync(environmentFile(runDirectory), { force: true });
  rmSync(recordPath(runDirectory), { force: true });
}

function recordPath(runDirectory: string): string {
  return join(runDirectory, 'process.json');
}
