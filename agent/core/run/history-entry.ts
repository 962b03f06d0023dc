import * as z from 'zod';
import { EnvironmentName, Sha256 } from '../../../bucket/documents/names.ts';
import { RunSummary } from '../../../bucket/documents/status.ts';

/** What this host keeps of a run, for `mm-agent history`. */
export const HistoryEntry = z.object({
  schemaVersion: z.literal(1),
  environment: EnvironmentName,
  /** Null for a run that ended before the host knew its release. */
  release: z.object({ version: z.string().max(64), sha256: Sha256 }).nullable(),
  run: RunSummary,
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;
