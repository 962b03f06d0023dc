import type { TreePlace } from '../repository/stored-files.ts';
import { inOrder } from './in-order.ts';
import type { Problem } from './problem.ts';
import { readFacts } from './read-facts.ts';
import { type Reported, readStatuses } from './read-statuses.ts';
import { type HostSummary, summaryOf } from './summary.ts';
import type { Where } from './where/where.ts';

/** Facts documents in memory at the same time. Each may have 16 MiB. */
const PARALLEL = 8;

export interface SelectedHost {
  readonly host: SummarizedHost;
  readonly isMatching: boolean;
}

/** What is known of a host. Without a summary there is a problem. */
export interface SummarizedHost extends Reported {
  readonly summary: HostSummary | undefined;
  /** Also that of its facts document, when a condition needs it. */
  readonly problem: Problem | undefined;
}

/**
 * Reads the status of each host, and says whether it meets the conditions. Facts that no status has
 * need one more request for each host that meets the other conditions; `onFacts` is called before
 * the first one.
 */
export async function* selectHosts(
  place: TreePlace,
  where: Where,
  onFacts: () => void,
): AsyncGenerator<SelectedHost> {
  let isFirst = true;
  yield* inOrder(readStatuses(place), PARALLEL, async (read): Promise<SelectedHost> => {
    const { certname, receivedAt, status, problem } = read;
    const unreadable = (why: Problem | undefined): SelectedHost => ({
      host: { certname, receivedAt, summary: undefined, problem: why },
      isMatching: false,
    });
    if (status === undefined) return unreadable(problem);
    const host = { certname, receivedAt, summary: summaryOf(status), problem: undefined };
    const isMatching = where.matches(status);
    if (isMatching !== 'unknown') return { host, isMatching };
    if (isFirst) onFacts();
    isFirst = false;
    const { facts, problem: factsProblem } = await readFacts(place, certname);
    if (facts === undefined) return unreadable(factsProblem);
    return { host, isMatching: where.matches(status, facts) === true };
  });
}
