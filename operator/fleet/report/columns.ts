import { printable } from '../../../shared/clean-text.ts';
import type { ColumnHead } from './format.ts';

/** A column while its hosts are added, one after the other. */
export interface Column {
  end(): { readonly head: ColumnHead; readonly cells: Cells };
}

export type Cells = Uint8Array | Uint16Array | Uint32Array;

/** What hosts wrote is bounded, so that the report is too. */
const MAX_TEXT = 220;
const MAX_VALUES = 60_000;
const MAX_TEXT_IN_ALL = 1_000_000;

/** Different texts, each with an index. Those beyond the bounds have one index together. */
class Values {
  readonly texts: string[] = [];
  readonly #known = new Map<string, number>();
  #length = 0;

  indexOf(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const isFull = this.texts.length >= MAX_VALUES || this.#length >= MAX_TEXT_IN_ALL;
    if (isFull && text !== OTHERS) return this.indexOf(OTHERS);
    const clean = printable(text, MAX_TEXT);
    const index = this.texts.push(clean) - 1;
    this.#known.set(text, index);
    this.#length += clean.length;
    return index;
  }
}

const OTHERS = 'others, which this report does not list one by one';

export class TextColumn implements Column {
  readonly #name: string;
  readonly #lines: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  add(text: string): void {
    this.#lines.push(printable(text, MAX_TEXT));
  }

  end() {
    const cells = Buffer.from(this.#lines.join('\n'));
    const kind = { name: this.#name, label: this.#name, kind: 'text', width: 1 } as const;
    return { head: { ...kind, bytes: cells.length }, cells };
  }
}

/** One text for each host; the empty one means that there is nothing to tell. */
export class OneColumn implements Column {
  readonly #about: Pick<ColumnHead, 'name' | 'label' | 'isFact'>;
  readonly #values = new Values();
  readonly #cells: number[] = [];

  constructor(about: Pick<ColumnHead, 'name' | 'label' | 'isFact'>) {
    this.#about = about;
  }

  get values(): number {
    return this.#values.texts.length;
  }

  add(text: string): void {
    this.#cells.push(this.#values.indexOf(text));
  }

  end() {
    const values = this.#values.texts;
    const cells = arrayOf(this.#cells, values.length);
    return { head: { ...this.#about, kind: 'one' as const, values, ...sizeOf(cells) }, cells };
  }
}

/** Several texts for each host. */
export class ManyColumn implements Column {
  readonly #about: Pick<ColumnHead, 'name' | 'label'>;
  readonly #values = new Values();
  readonly #counts: number[] = [];
  readonly #cells: number[] = [];

  constructor(about: Pick<ColumnHead, 'name' | 'label'>) {
    this.#about = about;
  }

  add(texts: Iterable<string>): void {
    const found = [...new Set([...texts].map((text) => this.#values.indexOf(text)))].slice(0, 255);
    this.#counts.push(found.length);
    for (const index of found) this.#cells.push(index);
  }

  indexOf(text: string): number {
    return this.#values.indexOf(text);
  }

  end() {
    const values = this.#values.texts;
    const indices = arrayOf(this.#cells, values.length);
    const counts = Uint8Array.from(this.#counts);
    const cells = Buffer.concat([padded(counts), bytesOf(indices)]);
    const { width } = sizeOf(indices);
    const head = { ...this.#about, kind: 'many' as const, values, width, bytes: cells.length };
    return { head, cells };
  }
}

/** A whole number for each host, or nothing. */
export class NumberColumn implements Column {
  readonly #about: Pick<ColumnHead, 'name' | 'label'>;
  readonly #cells: number[] = [];
  #max = 0;

  constructor(about: Pick<ColumnHead, 'name' | 'label'>) {
    this.#about = about;
  }

  add(number: number | null): void {
    const cell = number === null ? 0 : Math.min(Math.max(0, Math.round(number)), MAX_NUMBER) + 1;
    this.#cells.push(cell);
    this.#max = Math.max(this.#max, cell);
  }

  end() {
    const cells = arrayOf(this.#cells, this.#max + 1);
    return { head: { ...this.#about, kind: 'number' as const, ...sizeOf(cells) }, cells };
  }
}

/** Of 4 bytes, one less for what is missing. */
const MAX_NUMBER = 2 ** 32 - 2;

/** The smallest cells for numbers below `limit`. */
function arrayOf(numbers: readonly number[], limit: number): Cells {
  if (limit <= 2 ** 8) return Uint8Array.from(numbers);
  return limit <= 2 ** 16 ? Uint16Array.from(numbers) : Uint32Array.from(numbers);
}

function sizeOf(cells: Cells): Pick<ColumnHead, 'width' | 'bytes'> {
  return { width: cells.BYTES_PER_ELEMENT as 1 | 2 | 4, bytes: cells.byteLength };
}

/** As little-endian bytes, which is the order of every machine that Node runs on here. */
function bytesOf({ buffer, byteOffset, byteLength }: Cells): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Filled up to a multiple of 4 bytes. */
export function padded(cells: Cells): Uint8Array {
  const bytes = bytesOf(cells);
  const filled = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  filled.set(bytes);
  return filled;
}
