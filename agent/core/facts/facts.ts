import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { boundedFacts, promotable, tamedFacts } from './fact-limits.ts';
import { withoutFacts } from './fact-paths.ts';

/** The facts of a run, ready to leave the host. */
export interface CollectedFacts {
  readonly all: Record<string, unknown>;
  /** By dotted path; a path without a fact is left out. */
  readonly promoted: Record<string, unknown>;
  /** sha256 over the stable facts. */
  readonly digest: string;
  readonly facterVersion: string | undefined;
  /** Top-level facts that a marker stands for because all together were too large. */
  readonly left: readonly string[];
}

export interface FactsOptions {
  /** Dotted paths that never leave the host, besides {@link ALWAYS_DENIED}. */
  readonly deny: readonly string[];
  readonly promote: readonly string[];
  /** Bytes of JSON of all facts. */
  readonly maxBytes: number;
}

/**
 * The facts of a run (`values` of Puppet's facts file) without the denied ones, within bounds, and with a digest that
 * only a stable fact changes. Undefined for anything that is not an object.
 */
export function collectFacts(values: unknown, options: FactsOptions): CollectedFacts | undefined {
  if (!isJsonObject(values)) return undefined;
  const allowed = withoutFacts(tamedFacts(values), [...ALWAYS_DENIED, ...options.deny]);
  const { facts, left } = boundedFacts(allowed, options.maxBytes);
  const version = allowed['facterversion'];
  return {
    all: facts,
    promoted: promote(allowed, options.promote),
    digest: createHash('sha256')
      .update(canonicalJson(withoutFacts(facts, VOLATILE)))
      .digest('hex'),
    facterVersion: typeof version === 'string' ? version.slice(0, 64) : undefined,
    left,
  };
}

/**
 * The value at a dotted path, `os.release.full`, or undefined. Names of facts may hold dots themselves (mount points,
 * flat custom facts), so every way to read the path is tried, the shortest names first. A number picks from a list.
 */
export function factAt(facts: unknown, path: string): unknown {
  return at(facts, path.split('.'));
}

function at(value: unknown, segments: readonly string[]): unknown {
  if (segments.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let taken = 1; taken <= segments.length; taken += 1) {
    const name = segments.slice(0, taken).join('.');
    if (!Object.hasOwn(value, name)) continue;
    const found = at(Reflect.get(value, name), segments.slice(taken));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** User data and instance attributes hold start-up scripts, and those hold secrets. */
export const ALWAYS_DENIED = [
  'ec2_userdata',
  'ec2_metadata.iam.security-credentials',
  'ec2_metadata.identity-credentials',
  'gce.instance.attributes',
  'az_metadata.compute.customData',
  'az_metadata.compute.userData',
];

/**
 * Facts that differ from run to run though nothing has changed: measured with facter 4, and its
 * older flat names. `iam` of EC2 says when its credentials were last renewed; a clock rate follows the load.
 */
const VOLATILE = [
  'load_averages',
  ...['available', 'available_bytes', 'used', 'used_bytes', 'capacity'].flatMap((name) => [
    `memory.*.${name}`,
    `mountpoints.*.${name}`,
  ]),
  'memoryfree',
  'memoryfree_mb',
  'swapfree',
  'swapfree_mb',
  'system_uptime',
  'uptime',
  'uptime_days',
  'uptime_hours',
  'uptime_seconds',
  'system_profiler.uptime',
  'sp_uptime',
  'processors.speed',
  'ec2_metadata.iam',
  'clientnoop',
];

function promote(facts: JsonObject, paths: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    paths
      .map((path) => [path, promotable(factAt(facts, path))] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/** Facter's order of names differs between runs. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
