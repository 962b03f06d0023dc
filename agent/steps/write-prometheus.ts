import type { StatusDocument } from '../../bucket/documents/status.ts';
import { replaceFileSync } from '../../shared/atomic-file.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { isFileError } from '../../shared/files.ts';
import type { Agent } from '../agent.ts';
import { prometheusText } from '../core/status/prometheus.ts';

/** Writes `report.prometheus_textfile`. A file that cannot be written fails nothing. */
export function writePrometheus({ config, ports }: Agent, status: StatusDocument): void {
  const path = config.report.prometheus_textfile;
  if (path === undefined) return;
  try {
    // Readable by the node exporter, which runs as a user of its own.
    replaceFileSync(path, prometheusText(status), { mode: 0o644 });
  } catch (error) {
    // Outside of the directories that the unit of the agent may write to, systemd says read-only.
    const next = isFileError(error, 'EROFS')
      ? `systemctl edit mm-agent: [Service] ReadWritePaths= and the directory of ${path}`
      : fileProblem(path, error).next;
    ports.log.warn('prometheus.not-written', { path, error: String(error), next });
  }
}
