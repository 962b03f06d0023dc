import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { isExactNumber } from './exact-json.ts';
import { boundedFacts, promotedValue, sanitizedFacts } from './fact-limits.ts';
import { withoutFacts } from './fact-paths.ts';

/*
 * The facts of a host on their way to the bucket: fact-paths.ts removes denied ones, fact-limits.ts
 * bounds their size, and exact-json.ts keeps large integers exact.
 */

/** The facts of a run, ready for the upload. */
export interface CollectedFacts {
  readonly all: Record<string, unknown>;
  /** By dotted path. A path without a fact is left out. */
  readonly promoted: Record<string, unknown>;
  /** sha256 over the stable facts. */
  readonly digest: string;
  readonly facterVersion: string | undefined;
  /** Top-level facts that a marker replaces because all facts together were too large. */
  readonly omitted: readonly string[];
}

export interface FactsOptions {
  /** Dotted paths that never leave the host, in addition to {@link ALWAYS_DENIED}. */
  readonly deny: readonly string[];
  readonly promote: readonly string[];
  /** Limit for the JSON of all facts. */
  readonly maxBytes: number;
}

/**
 * The facts of a run (`values` in Puppet's facts file) without the denied ones, within the limits,
 * and with a digest that only a stable fact changes. Undefined for anything that is not an object.
 */
export function collectFacts(values: unknown, options: FactsOptions): CollectedFacts | undefined {
  if (!isJsonObject(values)) return undefined;
  const allowed = withoutFacts(sanitizedFacts(values), [...ALWAYS_DENIED, ...options.deny]);
  const { facts, omitted } = boundedFacts(allowed, options.maxBytes);
  const version = allowed['facterversion'];
  return {
    all: facts,
    promoted: promote(allowed, options.promote),
    digest: createHash('sha256')
      .update(canonicalJson(withoutFacts(facts, VOLATILE)))
      .digest('hex'),
    facterVersion: typeof version === 'string' ? version.slice(0, 64) : undefined,
    omitted,
  };
}

/**
 * The value at a dotted path such as `os.release.full`, or undefined. Names of facts may contain
 * dots (mount points, flat custom facts), so every way to split the path is tried, short names
 * first. A number is an index of a list.
 */
export function factAt(facts: unknown, path: string): unknown {
  return at(facts, path.split('.'));
}

function at(value: unknown, segments: readonly string[]): unknown {
  if (segments.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let count = 1; count <= segments.length; count += 1) {
    const name = segments.slice(0, count).join('.');
    if (!Object.hasOwn(value, name)) continue;
    const found = at(Reflect.get(value, name), segments.slice(count));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * User data, and the attributes of an instance or of its project, contain start-up scripts and
 * keys. Facter asks Google for everything at once.
 */
export const ALWAYS_DENIED = [
  'ec2_userdata',
  'ec2_metadata.iam.security-credentials',
  'ec2_metadata.identity-credentials',
  'gce.instance.attributes',
  'gce.project.attributes',
  'az_metadata.compute.customData',
  'az_metadata.compute.userData',
];

/**
 * Facts that differ from run to run although nothing has changed: measured with Facter 4, and their
 * older flat names. `iam` of EC2 has the time when its credentials were last renewed; a clock rate
 * follows the load.
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
      .map((path) => [path, promotedValue(factAt(facts, path))] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/** With sorted names: Facter's order differs between runs. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isJsonObject(inner) && !isExactNumber(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
