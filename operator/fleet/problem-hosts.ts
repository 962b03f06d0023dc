import { printable } from '../../shared/clean-text.ts';
import { naturalOrder } from '../hosts/where/condition.ts';
import type { FleetStore } from './store.ts';

/** What can be wrong with a host itself, whatever its last run did. */
export const PROBLEM_KINDS = [
  /** Two machines write the status of one name. */
  'shared',
  /** One machine has several names. */
  'names',
  /** Its clock differs from that of S3. */
  'clock',
  /** Its agent is older than the one that most hosts have. */
  'agent',
  /** It does not trust what is published, or cannot verify it. */
  'trust',
  /** Its status cannot be read. */
  'unreadable',
] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

export interface ProblemHost {
  readonly certname: string;
  readonly kind: ProblemKind;
  /** One clean line. */
  readonly note: string;
}

/** How far a clock may be off by default. */
export const DEFAULT_CLOCK_SECONDS = 60;

/** A host whose publisher or operator wants it to wait has no problem. */
export const GOOD_TRUST: ReadonlySet<string> = new Set(['ok', 'held', 'stopped']);

/** Every problem of every host, in the order of the bucket. `clockSeconds` may be off. */
export function* problemHosts(
  store: FleetStore,
  { clockSeconds }: { readonly clockSeconds: number },
): Generator<ProblemHost> {
  const agent = mostFrequentAgent(store);
  const twice = idsWithSeveralNames(store);
  const rows = store.database.prepare(
    `SELECT certname, problem, shared, hostId, trust,
       status ->> '$.trust.clockOffsetSeconds' AS clock,
       status ->> '$.versions.agent' AS agent,
       status ->> '$.trust.error.message' AS error,
       status ->> '$.trust.why' AS why
     FROM host LEFT JOIN document USING (file) ORDER BY file`,
  );
  for (const row of rows.iterate()) {
    const certname = String(row['certname']);
    const text = (name: string): string => printable(String(row[name] ?? ''), 200);
    const found = (kind: ProblemKind, note: string): ProblemHost => ({ certname, kind, note });
    if (row['problem'] !== null) {
      yield found('unreadable', text('problem'));
      continue;
    }
    if (row['shared'] !== null) yield found('shared', text('shared'));
    const names = twice.get(text('hostId'));
    if (names !== undefined) {
      const others = names.filter((name) => name !== certname).slice(0, MAX_NAMES);
      yield found('names', `the same machine as ${others.join(', ')}`);
    }
    const clock = Number(row['clock'] ?? 0);
    if (Math.abs(clock) > clockSeconds) {
      yield found('clock', `${Math.abs(clock)} s ${clock < 0 ? 'behind' : 'ahead of'} S3`);
    }
    if (agent !== undefined && naturalOrder(text('agent'), agent) < 0) {
      yield found('agent', `${text('agent')}, most hosts have ${agent}`);
    }
    if (!GOOD_TRUST.has(text('trust'))) {
      const why = text('error') || text('why');
      yield found('trust', [text('trust'), why].filter((part) => part !== '').join(': '));
    }
  }
}

/** Other names of a machine that are shown. */
const MAX_NAMES = 5;

function mostFrequentAgent(store: FleetStore): string | undefined {
  const row = store.database
    .prepare(
      `SELECT status ->> '$.versions.agent' AS agent, count(*) AS hosts FROM document
       GROUP BY 1 ORDER BY hosts DESC, agent DESC LIMIT 1`,
    )
    .get();
  return row === undefined ? undefined : printable(String(row['agent']), 64);
}

function idsWithSeveralNames(store: FleetStore): ReadonlyMap<string, readonly string[]> {
  const rows = store.database
    .prepare(
      `SELECT hostId, certname FROM host WHERE hostId IN
         (SELECT hostId FROM host WHERE hostId IS NOT NULL GROUP BY hostId HAVING count(*) > 1)
       ORDER BY file`,
    )
    .all();
  const names = new Map<string, string[]>();
  for (const { hostId, certname } of rows) {
    const known = names.get(String(hostId)) ?? [];
    if (known.length <= MAX_NAMES) known.push(String(certname));
    names.set(String(hostId), known);
  }
  return names;
}
