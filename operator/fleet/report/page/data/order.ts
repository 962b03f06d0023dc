import type { Fleet } from './fleet.ts';
import { STATES } from './words.ts';

export interface Sorting {
  /** `certname`, or a column. */
  readonly column: string;
  readonly isDescending: boolean;
}

/** All hosts in that order; equal ones in the order of their names. */
export function ordered(fleet: Fleet, { column, isDescending }: Sorting): Uint32Array {
  const ranks = column === 'certname' ? undefined : ranksOf(fleet, column);
  // A rank and a host fit into the 53 bits of a number, which sort without a function.
  const keys = new Float64Array(fleet.hosts);
  for (let host = 0; host < keys.length; host += 1) {
    const rank = ranks === undefined ? host : (ranks[host] ?? 0);
    keys[host] = (isDescending ? -rank : rank) * HOSTS + host;
  }
  keys.sort();
  return Uint32Array.from(keys, (key) => ((key % HOSTS) + HOSTS) % HOSTS);
}

/** More than a fleet has. */
const HOSTS = 2 ** 21;

function ranksOf(fleet: Fleet, name: string): ArrayLike<number> {
  const number = fleet.numbers.get(name);
  if (number !== undefined) return number.cells;
  const { values, cells } = fleet.one(name);
  const order =
    name === 'state'
      ? STATES.map((state) => values.indexOf(state.name)).filter((value) => value !== -1)
      : [...values.keys()].sort((a, b) => compare(values[a] ?? '', values[b] ?? ''));
  const rankOf = new Uint32Array(values.length);
  for (const [rank, value] of order.entries()) rankOf[value] = rank;
  return Uint32Array.from(cells, (value) => rankOf[value] ?? 0);
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** `1.10` is after `1.9`. Nothing is after all texts. */
export function compare(a: string, b: string): number {
  if (a === '' || b === '') return Number(a === '') - Number(b === '');
  return COLLATOR.compare(a, b);
}
