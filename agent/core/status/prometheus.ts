import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import { isFailure } from '../run/run-summary.ts';

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [Labels, number])[];
}

/** The states of puppet-prometheus_reporter. */
const STATES = ['failed', 'changed', 'unchanged'] as const;

/**
 * The status for the textfile collector of the node exporter. The names are those of
 * puppet-agent-exporter (`puppet_last_run_*`) and of puppet-prometheus_reporter (`puppet_report_*`,
 * `puppet_status`), so that their dashboards and alerts work.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function prometheusText(status: StatusDocument): string {
  return `${metricsOf(status).map(textOf).join('\n')}\n`;
}

function metricsOf(status: StatusDocument): Metric[] {
  const { environment, versions, release, trust, disabled, times, run } = status;
  const own: Metric[] = [
    one('miyamoto_info', 'Versions on this host.', 1, {
      version: versions.agent,
      puppet: versions.puppet ?? '',
      release: release?.version ?? '',
      environment,
    }),
    one('miyamoto_trust_ok', 'Whether the signed metadata is good.', Number(trust.state === 'ok')),
    one('miyamoto_disabled', 'Whether mm-agent disable is in force.', Number(disabled !== null)),
    one(
      'miyamoto_status_written_at_seconds',
      'When this was written.',
      secondsOf(status.writtenAt),
    ),
    {
      name: 'miyamoto_metadata_days_to_expiry',
      help: 'Days until the signed metadata of a role expires.',
      samples: Object.entries(trust.daysToExpiry).map(([role, days]) => [{ role }, days]),
    },
  ];
  const { lastSuccessAt } = times;
  if (lastSuccessAt !== null) {
    const help = 'When a run last succeeded.';
    own.push(one('miyamoto_last_success_at_seconds', help, secondsOf(lastSuccessAt)));
  }
  return run === null || run.status === 'skipped' ? own : [...own, ...metricsOfRun(status, run)];
}

function metricsOfRun({ environment, certname }: StatusDocument, run: RunSummary): Metric[] {
  const host = { environment, host: certname };
  const startedAt = secondsOf(run.startedAt);
  const isFailed = isFailure(run);
  const state = isFailed ? 'failed' : run.status === 'changed' ? 'changed' : 'unchanged';
  const { resources, durationSeconds } = run;
  // Puppet's own names of its metrics, and the labels that its reports give them.
  const counts = [
    ['total', 'Total', resources?.total],
    ['changed', 'Changed', resources?.changed],
    ['failed', 'Failed', resources?.failed],
    ['skipped', 'Skipped', resources?.skipped],
    ['out_of_sync', 'Out of sync', resources?.outOfSync],
    ['restarted', 'Restarted', resources?.restarted],
    ['corrective_change', 'Corrective change', resources?.corrective],
  ] as const;
  return [
    one('puppet_last_run_at_seconds', 'When the last run began.', startedAt),
    one('puppet_last_run_duration_seconds', 'How long the last run took.', durationSeconds),
    one('puppet_last_run_success', 'Whether the last run succeeded.', Number(!isFailed)),
    {
      name: 'puppet_last_run_report_resources',
      help: 'Resources of the last run.',
      samples: counts.map(([type, , count]) => [{ type }, count ?? 0]),
    },
    one('puppet_config', 'The environment.', 1, { environment, server: '' }),
    one('puppet_report', 'When the last run began.', startedAt, host),
    {
      name: 'puppet_report_resources',
      help: 'Resources of the last run.',
      samples: counts.map(([, name, count]) => [{ name, ...host }, count ?? 0]),
    },
    one('puppet_report_time', 'Seconds of the last run.', durationSeconds, {
      name: 'Total',
      ...host,
    }),
    {
      name: 'puppet_status',
      help: 'How the last run ended.',
      samples: STATES.map((each) => [{ state: each, ...host }, Number(each === state)]),
    },
    one(
      'puppet_transaction_completed',
      'Whether there was a catalog.',
      Number(resources !== null),
      host,
    ),
  ];
}

function one(name: string, help: string, value: number, labels: Labels = {}): Metric {
  return { name, help, samples: [[labels, value]] };
}

function secondsOf(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000);
}

function textOf({ name, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
