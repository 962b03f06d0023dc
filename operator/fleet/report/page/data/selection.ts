import type { Fleet, ValueColumn } from './fleet.ts';
import { found } from './search.ts';
import { NONE, stateCalled } from './words.ts';

/** How many of the selected hosts have each value of a column. */
export interface Counts {
  readonly hosts: Uint32Array;
  /** Those of them whose last run did not do what it should. */
  readonly failing: Uint32Array;
}

/** For people. */
export interface Described {
  readonly text: string;
  remove(): void;
}

const SEARCH = 'search';

/**
 * Which hosts are shown: those that meet all conditions. A condition is a set of values of one
 * column, or the search. For each host, `misses` has a bit for each condition that it does not
 * meet, so that a chart can leave out its own condition.
 */
export class Selection {
  onChange: () => void = () => undefined;
  readonly fleet: Fleet;
  readonly #misses: Uint32Array;
  readonly #bits = new Map<string, number>();
  readonly #values = new Map<string, Set<number>>();
  #words = '';

  constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.#misses = new Uint32Array(fleet.hosts);
  }

  has(host: number): boolean {
    return this.#misses[host] === 0;
  }

  hasValue(column: string, value: number): boolean {
    return this.#values.get(column)?.has(value) === true;
  }

  /** Adds the value to the condition of its column, or removes it. */
  toggle(column: string, value: number): void {
    const values = new Set(this.#values.get(column));
    if (!values.delete(value)) values.add(value);
    this.#setValues(column, values);
    this.onChange();
  }

  search(text: string): void {
    this.#words = text.trim();
    const words = this.#words
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) this.#drop(SEARCH);
    else this.#set(SEARCH, found(this.fleet, words));
    this.onChange();
  }

  clear(): void {
    for (const column of [...this.#values.keys()]) this.#setValues(column, new Set());
    this.onChange();
  }

  described(): Described[] {
    return [...this.#values].map(([name, values]) => {
      const { head, values: texts } = this.fleet.column(name);
      const chosen = [...values].map((value) => valueText(name, texts[value] ?? ''));
      const remove = (): void => {
        this.#setValues(name, new Set());
        this.onChange();
      };
      return { text: `${head.label}: ${chosen.join(' or ')}`, remove };
    });
  }

  /** Counts the hosts that meet all conditions but that of the column itself. */
  counts(name: string): Counts {
    const column = this.fleet.column(name);
    const { values, cells } = column;
    const { failing } = this.fleet;
    const misses = this.#misses;
    const others = ~(this.#bits.get(name) ?? 0);
    const counts = {
      hosts: new Uint32Array(values.length),
      failing: new Uint32Array(values.length),
    };
    const add = (host: number, value: number): void => {
      counts.hosts[value] = (counts.hosts[value] ?? 0) + 1;
      counts.failing[value] = (counts.failing[value] ?? 0) + (failing[host] ?? 0);
    };
    for (let host = 0; host < misses.length; host += 1) {
      if (((misses[host] ?? 0) & others) !== 0) continue;
      if (column.kind === 'one') {
        add(host, cells[host] ?? 0);
        continue;
      }
      const end = column.starts[host + 1] ?? 0;
      for (let at = column.starts[host] ?? 0; at < end; at += 1) add(host, cells[at] ?? 0);
    }
    return counts;
  }

  #setValues(column: string, values: Set<number>): void {
    if (values.size === 0) {
      this.#values.delete(column);
      this.#drop(column);
      return;
    }
    this.#values.set(column, values);
    this.#set(column, hostsWith(this.fleet.column(column), values, this.fleet.hosts));
  }

  #set(condition: string, hits: Uint8Array): void {
    const bit = this.#bits.get(condition) ?? this.#freeBit();
    this.#bits.set(condition, bit);
    const misses = this.#misses;
    for (let host = 0; host < misses.length; host += 1) {
      const old = misses[host] ?? 0;
      misses[host] = hits[host] === 1 ? old & ~bit : old | bit;
    }
  }

  #drop(condition: string): void {
    const bit = this.#bits.get(condition);
    if (bit === undefined) return;
    this.#bits.delete(condition);
    const misses = this.#misses;
    for (let host = 0; host < misses.length; host += 1) misses[host] = (misses[host] ?? 0) & ~bit;
  }

  /** There are more bits than columns with conditions. */
  #freeBit(): number {
    const taken = [...this.#bits.values()].reduce((all, bit) => all | bit, 0);
    return ~taken & -~taken;
  }
}

function hostsWith(column: ValueColumn, values: ReadonlySet<number>, hosts: number): Uint8Array {
  const isHit = Uint8Array.from(column.values, (_, value) => Number(values.has(value)));
  const { cells } = column;
  if (column.kind === 'one') return Uint8Array.from(cells, (value) => isHit[value] ?? 0);
  const hits = new Uint8Array(hosts);
  for (let host = 0; host < hosts; host += 1) {
    const own = cells.subarray(column.starts[host], column.starts[host + 1]);
    if (own.some((value) => isHit[value] === 1)) hits[host] = 1;
  }
  return hits;
}

/** A value as people read it. */
export function valueText(column: string, value: string): string {
  if (column === 'state') return stateCalled(value).label;
  return value === '' ? NONE : value;
}
