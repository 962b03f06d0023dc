import { printable } from '../../../shared/clean-text.ts';
import type { FleetStore } from '../store.ts';
import { OneColumn } from './columns.ts';

/** Hosts whose facts decide which facts the report has. */
const SAMPLE = 2000;
/** A fact that fewer of them have is of no use for a fleet: one of so many. */
const MIN_SHARE = 20;
/** Facts whose values are counted, and those that are shown. */
const MAX_NAMES = 40;
const MAX_SHOWN = 16;
/** More different values are no groups of hosts. */
const MAX_VALUES = 100;

/** The promoted facts that divide the fleet into groups. */
export class FactColumns {
  readonly #columns: Map<string, OneColumn>;
  readonly #system = new OneColumn({ name: 'os', label: 'System' });

  constructor(store: FleetStore) {
    this.#columns = new Map(
      frequentFacts(store).map((name) => [
        name,
        new OneColumn({ name: `fact ${name}`, label: printable(name, 60), isFact: true }),
      ]),
    );
  }

  /** `facts` is the JSON of a status, or null. */
  add(facts: unknown): void {
    const values = typeof facts === 'string' ? (JSON.parse(facts) as Record<string, unknown>) : {};
    const system = [values['os.name'], values['os.release.full']].map(textOf);
    this.#system.add(system.join(' ').trim());
    for (const [name, column] of this.#columns) {
      column.add(textOf(values[name]));
      if (column.values > MAX_VALUES) this.#columns.delete(name);
    }
  }

  columns(): readonly OneColumn[] {
    // The same value on all hosts tells nothing.
    const useful = [...this.#columns.values()].filter(({ values }) => values > 1);
    return [this.#system, ...useful.slice(0, MAX_SHOWN)];
  }
}

/** Of a sample of the hosts, so that a few hosts cannot fill the list with names of their own. */
function frequentFacts(store: FleetStore): string[] {
  const { database } = store;
  const row = database.prepare('SELECT count(*) AS hosts FROM document').get();
  const hosts = Number(row?.['hosts'] ?? 0);
  const step = Math.max(1, Math.floor(hosts / SAMPLE));
  const names = database
    .prepare(
      `SELECT fact.key AS name FROM document, json_each(status, '$.facts') AS fact
       WHERE document.rowid % ? = 0
       GROUP BY 1 HAVING count(*) >= ? ORDER BY count(*) DESC, 1 LIMIT ${MAX_NAMES}`,
    )
    .all(step, hosts / step / MIN_SHARE);
  return names.map(({ name }) => String(name));
}

function textOf(value: unknown): string {
  const isShort = ['string', 'number', 'boolean'].includes(typeof value);
  return isShort ? printable(String(value), 80) : '';
}
