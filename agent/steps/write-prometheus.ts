import type { StatusDocument } from '../../bucket/documents/status.ts';
import { replaceFileSync } from '../../shared/atomic-file.ts';
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
    const next = `systemctl edit mm-agent: [Service] ReadWritePaths= and the directory of ${path}`;
    ports.log.warn('prometheus.not-written', { path, error: String(error), next });
  }
}
