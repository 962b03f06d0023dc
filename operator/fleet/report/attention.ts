import { DEFAULT_CLOCK_SECONDS, type ProblemHost, problemHosts } from '../problem-hosts.ts';
import type { FleetStore } from '../store.ts';
import { ManyColumn } from './columns.ts';

type Row = Readonly<Record<string, unknown>>;

const LABELS: Readonly<Record<ProblemHost['kind'], string>> = {
  shared: 'two machines under one name',
  names: 'one machine under several names',
  clock: 'wrong clock',
  agent: 'older agent',
  trust: 'trust',
  unreadable: 'unreadable status',
};

/** What somebody should look at although no run failed: `mm fleet problems`, and what waits. */
export class Attention {
  readonly column = new ManyColumn({ name: 'attention', label: 'Attention' });
  readonly #problems: Iterator<ProblemHost>;
  #next: ProblemHost | undefined;

  constructor(store: FleetStore) {
    this.#problems = problemHosts(store, { clockSeconds: DEFAULT_CLOCK_SECONDS });
    this.#step();
  }

  /** Must be called for each host, in the order of the store. Returns the first problem. */
  add(row: Row): string | undefined {
    const found: ProblemHost[] = [];
    while (this.#next !== undefined && this.#next.certname === row['certname']) {
      found.push(this.#next);
      this.#step();
    }
    this.column.add([...found.map(({ kind }) => LABELS[kind]), ...waiting(row)]);
    return found[0]?.note;
  }

  #step(): void {
    const { value, done } = this.#problems.next();
    this.#next = done === true ? undefined : value;
  }
}

function* waiting(row: Row): Generator<string> {
  if (row['pinned'] !== null) yield 'pinned by a person';
  if (row['deferred'] !== null) yield 'waits for better conditions';
  if (row['windowWhy'] !== null) yield 'outside its apply window';
  if (row['hooks'] !== null) yield 'a hook failed';
  if (row['fights'] !== null) yield 'something changes back what Puppet sets';
}
