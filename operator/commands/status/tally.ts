import { counted } from '../../../shared/counted.ts';
import type { Duration } from '../../../shared/duration.ts';
import type { ListEnd } from '../../context.ts';
import { type Gate, parseGate, passes } from '../../hosts/gate.ts';
import type { Problem } from '../../hosts/problem.ts';
import { missingFactText, type Where } from '../../hosts/where/where.ts';
import type { StatusListAnswer } from '../../status-answer.ts';

type HostLine = StatusListAnswer['hosts'][number];
type Summary = StatusListAnswer['summary'];

/** The options that select hosts. */
export interface StateOptions {
  readonly where?: readonly string[] | undefined;
  readonly failed?: boolean | undefined;
  /** True: stale by what the host announced. A duration replaces that. */
  readonly stale?: true | Duration | undefined;
  readonly olderThan?: Duration | undefined;
}

/** `instance` of a host whose EC2 instance does not come back. */
export const TERMINATED = 'terminated';

/** Unreadable statuses that are named. */
const MAX_NAMED = 20;

/** Counts the hosts of a list, and says which of them are listed. */
export class HostTally {
  readonly #options: StateOptions;
  readonly #gate: Gate | undefined;
  readonly #runs: Record<string, number> = {};
  readonly #unreadable: Summary['unreadable']['first'] = [];
  readonly #counts = {
    hosts: 0,
    matching: 0,
    listed: 0,
    stale: 0,
    terminated: 0,
    unreadable: 0,
    bad: 0,
  };

  /** `failOver` is `--fail-over`. Throws USAGE. */
  constructor(options: StateOptions, failOver: string | undefined) {
    this.#options = options;
    this.#gate = failOver === undefined ? undefined : parseGate(failOver);
  }

  /** Counts the host, and returns whether it is listed. */
  count(
    { problem }: { readonly problem: Problem | undefined },
    line: HostLine,
    isMatching: boolean,
  ): boolean {
    const counts = this.#counts;
    counts.hosts += 1;
    if (problem !== undefined) {
      counts.unreadable += 1;
      // It may be a failed one. A gate must not pass because hosts cannot be read.
      counts.bad += 1;
      const { certname } = line;
      if (this.#unreadable.length < MAX_NAMED)
        this.#unreadable.push({ certname, kind: problem.kind, problem: problem.message });
    }
    // Nobody knows whether an unreadable status meets a condition.
    if (!isMatching && !(problem !== undefined && this.#isWithoutWhere)) return false;
    if (problem === undefined) {
      counts.matching += 1;
      const run = line.run ?? 'none';
      this.#runs[run] = (this.#runs[run] ?? 0) + 1;
    }
    if (line.stale) counts.stale += 1;
    const isGone = line.instance === TERMINATED;
    if (isGone) counts.terminated += 1;
    const isListed = this.#isSelected(line);
    if (isListed) counts.listed += 1;
    const isBad = this.#selectsByState ? isListed : line.failure !== null || line.stale;
    if (problem === undefined && isBad && !isGone) counts.bad += 1;
    return isListed;
  }

  /** Counts a host that can be read and does not meet the conditions: nothing more matters. */
  countOther(): void {
    this.#counts.hosts += 1;
  }

  /** `where`: the conditions, after the last host. */
  end(where: Pick<Where, 'missingFacts' | 'unmet'>): ListEnd & { readonly summary: Summary } {
    const { hosts, matching, listed, stale, terminated, unreadable, bad } = this.#counts;
    const missingFacts = where.missingFacts();
    const gate = this.#gate && {
      limit: this.#gate.text,
      hosts: matching + unreadable,
      bad,
      passed: passes(this.#gate, { matching, unreadable, bad }),
    };
    const summary: Summary = {
      ...{ hosts, matching, listed, runs: this.#runs, stale, terminated },
      unreadable: { total: unreadable, first: this.#unreadable },
      gate: gate ?? null,
      missingFacts: missingFacts.map((each) => ({ ...each })),
    };
    const exitCode = gate?.passed === false ? 1 : undefined;
    const hints = [...missingFacts.map(missingFactText), ...where.unmet()];
    const notices = [...noticesOf(summary), ...hints];
    return { summary, document: { summary }, notices, exitCode };
  }

  get #isWithoutWhere(): boolean {
    return (this.#options.where ?? []).length === 0;
  }

  get #selectsByState(): boolean {
    const { failed, stale, olderThan } = this.#options;
    return failed === true || stale !== undefined || olderThan !== undefined;
  }

  #isSelected({ failure, stale, ageSeconds }: HostLine): boolean {
    const { failed, stale: staleOnly, olderThan } = this.#options;
    if (failed === true && failure === null) return false;
    if (staleOnly !== undefined && !stale) return false;
    return olderThan === undefined || ageSeconds > olderThan.seconds;
  }
}

function noticesOf(summary: Summary): string[] {
  const { hosts, matching, listed, runs, stale, terminated, unreadable, gate } = summary;
  if (hosts === 0) return ['no host has reported yet', ...gateNotices(gate, 0)];
  const states = Object.entries(runs).map(([run, count]) =>
    run === 'none' ? `${count} without a run` : `${count} ${run}`,
  );
  const listedOf =
    listed === hosts ? counted(hosts, 'host') : `${listed} of ${counted(hosts, 'host')} listed`;
  const which =
    matching + unreadable.total === hosts
      ? ''
      : `${matching} ${matching === 1 ? 'meets' : 'meet'} the conditions: `;
  const gone = terminated === 0 ? [] : [`${terminated} of a terminated instance`];
  const rest = [`${stale} stale`, ...gone, `${unreadable.total} unreadable`];
  const notices = [`${listedOf}; ${which}${[...states, ...rest].join(', ')}`];
  if (unreadable.total > 0 && listed !== hosts) {
    const more = unreadable.total - unreadable.first.length;
    for (const { certname, problem } of unreadable.first)
      notices.push(`${certname} is left out: ${problem}`);
    if (more > 0)
      notices.push(`left out as well, because it cannot be read: ${counted(more, 'host')}`);
  }
  return [...notices, ...gateNotices(gate, matching)];
}

function gateNotices(gate: Summary['gate'], matching: number): string[] {
  if (gate === null) return [];
  const { limit, hosts, bad, passed } = gate;
  if (matching === 0)
    return [`--fail-over ${limit}: there is no host that can be read to judge by`];
  const found = `${bad} of ${counted(hosts, 'host')} (${((100 * bad) / hosts).toFixed(1)} %)`;
  return [`--fail-over ${limit}: ${found}: ${passed ? 'passed' : 'too many'}`];
}
