import type { ColumnHead, ReportHead } from '../../format.ts';
import { stateCalled } from './words.ts';

/* The hosts in memory: a typed array for each column. A host is its index. */

export type Cells = Uint8Array | Uint16Array | Uint32Array;

/** One text for each host. */
export interface OneColumn {
  readonly kind: 'one';
  readonly head: About;
  readonly values: readonly string[];
  readonly cells: Cells;
}

/** Several texts for each host: those of `cells` from `starts[host]` to `starts[host + 1]`. */
export interface ManyColumn {
  readonly kind: 'many';
  readonly head: About;
  readonly values: readonly string[];
  readonly starts: Uint32Array;
  readonly cells: Cells;
}

/** A number for each host, one more than it is; 0 for none. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly head: About;
  readonly cells: Cells;
}

type About = Pick<ColumnHead, 'name' | 'label' | 'isFact'>;
export type ValueColumn = OneColumn | ManyColumn;

export interface Names {
  readonly of: readonly string[];
  /** All of them in lower case, a line each, for the search. */
  readonly text: string;
}

export class Fleet {
  readonly head: ReportHead;
  readonly names: Names;
  readonly columns: ReadonlyMap<string, ValueColumn>;
  readonly numbers: ReadonlyMap<string, NumberColumn>;
  /** 1 for a host whose last run did not do what it should. */
  readonly failing: Uint8Array;

  constructor(head: ReportHead, names: Names, columns: readonly (ValueColumn | NumberColumn)[]) {
    this.head = head;
    this.names = names;
    const numbers = columns.filter((each) => each.kind === 'number');
    this.numbers = new Map(numbers.map((each) => [each.head.name, each]));
    const values = columns.filter((each) => each.kind !== 'number');
    const bands = BANDS.map((band) => banded(this.number(band.of), band));
    this.columns = new Map([...values, ...bands].map((each) => [each.head.name, each]));
    const { values: states, cells } = this.one('state');
    const isFailing = states.map((name) => Number(stateCalled(name).isFailing));
    this.failing = Uint8Array.from(cells, (state) => isFailing[state] ?? 0);
  }

  get hosts(): number {
    return this.head.hosts;
  }

  column(name: string): ValueColumn {
    return found(this.columns, name);
  }

  one(name: string): OneColumn {
    const column = this.column(name);
    if (column.kind === 'one') return column;
    throw new Error(`${name} has several values for each host`);
  }

  number(name: string): NumberColumn {
    return found(this.numbers, name);
  }

  /** The text of a host in a column; of several texts the first. */
  text(name: string, host: number): string {
    return this.texts(name, host)[0] ?? '';
  }

  texts(name: string, host: number): readonly string[] {
    const column = this.column(name);
    if (column.kind === 'one') return [column.values[column.cells[host] ?? -1] ?? ''];
    const { starts, cells, values } = column;
    const own = cells.subarray(starts[host], starts[host + 1]);
    return Array.from(own, (index) => values[index] ?? '');
  }

  numberOf(name: string, host: number): number | undefined {
    const cell = this.number(name).cells[host] ?? 0;
    return cell === 0 ? undefined : cell - 1;
  }
}

function found<T>(columns: ReadonlyMap<string, T>, name: string): T {
  const column = columns.get(name);
  if (column === undefined) throw new Error(`the data have no column ${name}`);
  return column;
}

interface Band {
  readonly name: string;
  readonly label: string;
  readonly of: string;
  /** The end of each band, in the unit of the column, and its name. The last one has no end. */
  readonly ends: readonly (readonly [number, string])[];
}

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

const BANDS: readonly Band[] = [
  {
    ...{ name: 'ageBand', label: 'Last seen', of: 'age' },
    ends: [
      [15 * MINUTE, '15 min'],
      [30 * MINUTE, '30 min'],
      [HOUR, '1 h'],
      [2 * HOUR, '2 h'],
      [6 * HOUR, '6 h'],
      [DAY, '1 d'],
      [3 * DAY, '3 d'],
      [7 * DAY, '7 d'],
      [Number.POSITIVE_INFINITY, 'older'],
    ],
  },
  {
    ...{ name: 'runTimeBand', label: 'Run time', of: 'runTime' },
    ends: [
      [50, '5 s'],
      [100, '10 s'],
      [200, '20 s'],
      [300, '30 s'],
      [600, '1 min'],
      [1200, '2 min'],
      [3000, '5 min'],
      [6000, '10 min'],
      [Number.POSITIVE_INFINITY, 'more'],
    ],
  },
];

/** A host without a number is in none of the bands. */
function banded({ cells }: NumberColumn, { name, label, ends }: Band): OneColumn {
  const values = [...ends.map(([, text]) => text), ''];
  const bandOf = (cell: number): number =>
    cell === 0 ? ends.length : ends.findIndex(([end]) => cell - 1 < end);
  return { kind: 'one', head: { name, label }, values, cells: Uint8Array.from(cells, bandOf) };
}
