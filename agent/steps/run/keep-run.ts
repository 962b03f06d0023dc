import { join } from 'node:path';
import type { ActiveRelease, RunSummary } from '../../../bucket/documents/status.ts';
import type { Agent } from '../../agent.ts';

/**
 * Keeps what a run did for `mm-agent history`, and what Puppet printed for `mm-agent log`. A run
 * that could not start has no output.
 */
export function keepRun(
  { identity, paths, ports, config }: Agent,
  active: Pick<ActiveRelease, 'version' | 'sha256'> | null,
  run: RunSummary,
): void {
  if (config.run.keep === 0) return;
  const release = active && { version: active.version, sha256: active.sha256 };
  const { environment } = identity;
  ports.history.add({ schemaVersion: 1, environment, release, run }, join(paths.runs, run.id));
}
