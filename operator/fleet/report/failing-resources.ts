import { printable } from '../../../shared/clean-text.ts';
import type { FleetStore } from '../store.ts';
import { ManyColumn } from './columns.ts';

/** The resources that failed on each host, and what each of them says most often. */
export class FailingResources {
  readonly column = new ManyColumn({ name: 'failing', label: 'Failing resource' });
  readonly #rows: Iterator<Readonly<Record<string, unknown>>>;
  #next: Readonly<Record<string, unknown>> | undefined;
  /** By the index of a resource: hosts by message. */
  readonly #messages = new Map<number, Map<string, number>>();
  #counted = 0;

  constructor(store: FleetStore) {
    this.#rows = store.database
      .prepare('SELECT file, resource, message FROM failedResource ORDER BY file')
      .iterate();
    this.#step();
  }

  /** Must be called for each host, in the order of the store. */
  add(file: string): void {
    const found: { readonly resource: string; readonly message: string }[] = [];
    while (this.#next !== undefined && String(this.#next['file']) === file) {
      const { resource, message } = this.#next;
      found.push({ resource: String(resource), message: String(message) });
      this.#step();
    }
    this.column.add(found.map(({ resource }) => resource));
    for (const { resource, message } of found) this.#count(resource, message);
  }

  /** In the order of the resources of the column. */
  messages(): readonly string[] {
    return this.column.end().head.values.map((_, index) => {
      const counts = [...(this.#messages.get(index) ?? [])];
      return printable(counts.reduce(mostFrequent, ['', 0])[0], MAX_MESSAGE);
    });
  }

  #count(resource: string, message: string): void {
    const index = this.column.indexOf(resource);
    const counts = this.#messages.get(index) ?? new Map<string, number>();
    this.#messages.set(index, counts);
    const known = counts.get(message);
    // Hosts choose the messages.
    if (known === undefined && this.#counted >= MAX_COUNTED) return;
    if (known === undefined) this.#counted += 1;
    counts.set(message, (known ?? 0) + 1);
  }

  #step(): void {
    const { value, done } = this.#rows.next();
    this.#next = done === true ? undefined : value;
  }
}

/** Different messages that are counted. */
const MAX_COUNTED = 20_000;
const MAX_MESSAGE = 220;

type Counted = readonly [message: string, hosts: number];

function mostFrequent(best: Counted, other: Counted): Counted {
  return other[1] > best[1] ? other : best;
}
