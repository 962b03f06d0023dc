import { counted } from '../../../shared/counted.ts';
import type { Duration } from '../../../shared/duration.ts';
import type { CommonOptions, Context, ListAnswer } from '../../context.ts';
import {
  DEFAULT_CLOCK_SECONDS,
  PROBLEM_KINDS,
  type ProblemHost,
  type ProblemKind,
  problemHosts,
} from '../../fleet/problem-hosts.ts';
import { csvLine } from '../../hosts/csv.ts';
import { parseGate, passes } from '../../hosts/gate.ts';
import { longTable } from '../../table.ts';
import { withStore } from './open-store.ts';

export interface FleetProblemsOptions extends CommonOptions {
  /** How far a clock may be off. */
  readonly clock?: Duration | undefined;
  readonly failOver?: string | undefined;
  readonly csv?: boolean | undefined;
}

/**
 * `mm fleet problems`: hosts whose name, clock, agent or trust is off, and those that cannot be
 * read. Without `kinds` all of them. Throws USAGE, STATE_MISSING.
 */
export async function fleetProblems(
  context: Context,
  kinds: readonly ProblemKind[],
  options: FleetProblemsOptions,
  print: (answer: ListAnswer<ProblemHost>) => Promise<void>,
): Promise<void> {
  const gate = options.failOver === undefined ? undefined : parseGate(options.failOver);
  const clockSeconds = options.clock?.seconds ?? DEFAULT_CLOCK_SECONDS;
  await withStore(context, options, async ({ config, store, syncedAt }) => {
    const wanted = new Set(kinds.length === 0 ? PROBLEM_KINDS : kinds);
    const counts: Partial<Record<ProblemKind, number>> = {};
    let bad = 0;
    async function* entries(): AsyncGenerator<ProblemHost> {
      let last = '';
      for (const each of problemHosts(store, { clockSeconds })) {
        const isWanted = wanted.has(each.kind);
        // A host that cannot be read may have any of the others.
        if ((isWanted || each.kind === 'unreadable') && each.certname !== last) {
          bad += 1;
          last = each.certname;
        }
        if (!isWanted) continue;
        counts[each.kind] = (counts[each.kind] ?? 0) + 1;
        yield each;
      }
    }
    const { hosts, unreadable } = store;
    await print({
      head: {
        ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
        syncedAt: new Date(syncedAt).toISOString(),
      },
      name: 'problems',
      entries: entries(),
      lines: (found) => (options.csv === true ? csvLines(found) : tableLines(found, context)),
      isJudged: gate !== undefined,
      end() {
        const passed = gate && passes(gate, { matching: hosts - unreadable, unreadable, bad });
        const verdict = gate && { limit: gate.text, hosts, bad, passed: passed === true };
        const found = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
        const judged = passed === true ? 'passed' : 'too many';
        return {
          document: { summary: { hosts, bad, kinds: counts, gate: verdict ?? null } },
          notices: [
            `${counted(hosts, 'host')}: ${found.length === 0 ? 'no problem' : found.join(', ')}`,
            ...(gate ? [`--fail-over ${gate.text}: ${bad} of ${hosts}: ${judged}`] : []),
          ],
          exitCode: passed === false ? 1 : undefined,
        };
      },
    });
  });
}

async function* csvLines(found: AsyncIterable<ProblemHost>): AsyncGenerator<string> {
  yield csvLine(['certname', 'kind', 'note']);
  for await (const { certname, kind, note } of found) yield csvLine([certname, kind, note]);
}

async function* tableLines(
  found: AsyncIterable<ProblemHost>,
  { columns }: Pick<Context, 'columns'>,
): AsyncGenerator<string> {
  async function* cells(): AsyncGenerator<string[]> {
    for await (const { certname, kind, note } of found) yield [certname, kind, note];
  }
  yield* longTable(['certname', 'problem', 'note'], cells(), columns);
}
