import { cleanText } from '../../../shared/clean-text.ts';
import { isJsonObject } from '../../../shared/json.ts';
import { isSecretName } from '../../../shared/log/redact.ts';
import { safeText } from './safe-text.ts';

/** A property that a run has changed, with its value before and after. */
export interface ChangedValue {
  /** `File[/etc/motd]`. */
  readonly resource: string;
  readonly property: string;
  readonly previous: string;
  readonly desired: string;
}

/** The limit. A run with more changes is usually the first run of a new host. */
const MOST_CHANGES = 50;
const MAX_VALUE = 100;
const HIDDEN = '[redacted]';

/**
 * The properties that a run has changed, from Puppet's report as parsed JSON; at most 50. The
 * resources are read without the schema of the report: most of them have not changed.
 */
export function changedValues(report: unknown): readonly ChangedValue[] {
  const statuses = isJsonObject(report) ? report['resource_statuses'] : undefined;
  if (!isJsonObject(statuses)) return [];
  const found: ChangedValue[] = [];
  for (const [name, status] of Object.entries(statuses)) {
    if (found.length >= MOST_CHANGES) break;
    // They have no value that another program could change back.
    if (/^(?:Exec|Notify)\[/.test(name)) continue;
    if (isJsonObject(status) && status['changed'] === true) found.push(...valuesOf(name, status));
  }
  return found.slice(0, MOST_CHANGES);
}

function valuesOf(name: string, status: Readonly<Record<string, unknown>>): ChangedValue[] {
  const events: readonly unknown[] = Array.isArray(status['events']) ? status['events'] : [];
  return events.filter(isJsonObject).flatMap((event) => {
    const { property, previous_value, desired_value, message } = event;
    if (event['status'] !== 'success' || typeof property !== 'string') return [];
    // Puppet itself hides Sensitive values. For a password, only the message says that it was
    // hidden; its values are still in the report.
    const isSecret =
      event['redacted'] === true || isSecretName(property) || /redacted/i.test(String(message));
    const text = (value: unknown): string => (isSecret ? HIDDEN : valueText(value));
    return {
      resource: safeText(name, 300),
      property: cleanText(property, 100),
      previous: text(previous_value),
      desired: text(desired_value),
    };
  });
}

function valueText(value: unknown): string {
  return safeText(typeof value === 'string' ? value : JSON.stringify(value ?? null), MAX_VALUE);
}
