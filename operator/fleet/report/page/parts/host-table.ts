import type { Fleet } from '../data/fleet.ts';
import type { Sorting } from '../data/order.ts';
import { ageText, durationText, NONE, numberText, stateCalled } from '../data/words.ts';
import { element } from './elements.ts';

interface TableColumn {
  readonly name: string;
  readonly label: string;
  /** The text of a cell. */
  of(fleet: Fleet, host: number): string;
  readonly isNumber?: boolean;
}

const COLUMNS: readonly TableColumn[] = [
  {
    name: 'state',
    label: 'State',
    of: (fleet, host) => stateCalled(fleet.text('state', host)).label,
  },
  { name: 'certname', label: 'Host', of: ({ names }, host) => names.of[host] ?? '' },
  {
    name: 'environment',
    label: 'Environment',
    of: (fleet, host) => fleet.text('environment', host),
  },
  { name: 'release', label: 'Release', of: (fleet, host) => fleet.text('release', host) || NONE },
  { name: 'age', label: 'Last seen', of: (fleet, host) => ageOf(fleet, host), isNumber: true },
  {
    name: 'runTime',
    label: 'Run time',
    of: (fleet, host) => runTimeOf(fleet, host),
    isNumber: true,
  },
  { name: 'os', label: 'System', of: (fleet, host) => fleet.text('os', host) },
  { name: 'note', label: 'Why', of: (fleet, host) => fleet.text('note', host) },
];

function ageOf(fleet: Fleet, host: number): string {
  return ageText(fleet.numberOf('age', host) ?? 0);
}

export function runTimeOf(fleet: Fleet, host: number): string {
  const tenths = fleet.numberOf('runTime', host);
  return tenths === undefined ? '' : durationText(tenths / 10);
}

interface Row {
  readonly line: HTMLElement;
  readonly dot: HTMLElement;
  readonly texts: readonly Text[];
  /** The place in the list; -1 for none. */
  place: number;
}

/** Rows above and below the visible ones. */
const SPARE = 6;
/** Browsers cut off higher elements: then a step of the scroll bar is more than one row. */
const MAX_HEIGHT = 15_000_000;
const NARROW = '(max-width: 700px)';

/** All hosts. Only the visible rows exist; each shows another host as the table scrolls. */
export class HostTable {
  onSort: (column: string) => void = () => undefined;
  readonly #fleet: Fleet;
  readonly #open: (host: number) => void;
  readonly #grid = element('div', { class: 'grid', role: 'grid', label: 'Hosts' });
  readonly #head = element('div', { class: 'head', role: 'rowgroup' });
  readonly #body = element('div', { class: 'rows', role: 'rowgroup' });
  readonly #empty = element('p', { class: 'empty', text: 'No host meets all conditions.' });
  readonly #headers: readonly HTMLElement[];
  readonly #rows: Row[] = [];
  readonly #narrow = matchMedia(NARROW);
  #hosts: Uint32Array = new Uint32Array();
  #active = 0;

  constructor(place: HTMLElement, fleet: Fleet, open: (host: number) => void) {
    this.#fleet = fleet;
    this.#open = open;
    this.#headers = COLUMNS.map((column) => this.#headerOf(column));
    const header = element('div', { class: 'row header', role: 'row' }, ...this.#headers);
    this.#grid.tabIndex = 0;
    this.#head.append(header);
    this.#grid.append(this.#head, this.#body);
    place.append(this.#grid, this.#empty);
    this.#grid.addEventListener('scroll', () => this.#draw(), { passive: true });
    this.#grid.addEventListener('keydown', (event) => this.#onKey(event));
    this.#body.addEventListener('click', ({ target }) => this.#onClick(target));
    new ResizeObserver(() => this.#draw()).observe(this.#grid);
    this.#narrow.addEventListener('change', () => this.#layOut());
  }

  show(hosts: Uint32Array, { column, isDescending }: Sorting): void {
    this.#hosts = hosts;
    this.#active = 0;
    this.#grid.scrollTop = 0;
    this.#grid.setAttribute('aria-rowcount', String(hosts.length + 1));
    this.#empty.hidden = hosts.length > 0;
    for (const [index, header] of this.#headers.entries()) {
      const isSorted = COLUMNS[index]?.name === column;
      const order = isDescending ? 'descending' : 'ascending';
      header.setAttribute('aria-sort', isSorted ? order : 'none');
    }
    this.#layOut();
  }

  get #rowHeight(): number {
    return this.#narrow.matches ? 62 : 36;
  }

  get #height(): number {
    return Math.min(MAX_HEIGHT, this.#hosts.length * this.#rowHeight);
  }

  #layOut(): void {
    this.#body.style.height = `${this.#height}px`;
    for (const row of this.#rows) row.place = -1;
    this.#draw();
  }

  /** Rows that fit below the header, with a fraction. */
  get #visible(): number {
    return (this.#grid.clientHeight - this.#head.offsetHeight) / this.#rowHeight;
  }

  /** How far the table scrolls, in pixels and in rows. */
  get #room(): { readonly pixels: number; readonly rows: number } {
    const pixels = Math.max(1, this.#height - this.#visible * this.#rowHeight);
    return { pixels, rows: Math.max(0, this.#hosts.length - this.#visible) };
  }

  /** Which row is at the top, with a fraction. */
  #top(): number {
    const { pixels, rows } = this.#room;
    return (rows * Math.min(this.#grid.scrollTop, pixels)) / pixels;
  }

  #draw(): void {
    const height = this.#rowHeight;
    const { scrollTop } = this.#grid;
    const top = this.#top();
    const count = Math.ceil(this.#visible) + 2 * SPARE;
    while (this.#rows.length < count) this.#addRow();
    const first = Math.max(0, Math.floor(top) - SPARE);
    for (let place = first; place < first + this.#rows.length; place += 1) {
      const row = this.#rows[place % this.#rows.length];
      if (row === undefined) continue;
      if (row.place !== place) this.#fill(row, place);
      // Not the place times the height: a very long list is higher than its element.
      row.line.style.transform = `translateY(${Math.round(scrollTop + (place - top) * height)}px)`;
    }
    this.#markActive();
  }

  #addRow(): void {
    const dot = element('span', { class: 'dot' });
    const texts = COLUMNS.map(() => document.createTextNode(''));
    const cells = COLUMNS.map(({ name, isNumber }, index) => {
      const text = texts[index] ?? '';
      const style = isNumber === true ? `cell ${name} number` : `cell ${name}`;
      return element(
        'div',
        { class: style, role: 'gridcell' },
        ...(index === 0 ? [dot, text] : [text]),
      );
    });
    const line = element(
      'div',
      { class: 'row', role: 'row', id: `row-${this.#rows.length}` },
      ...cells,
    );
    this.#rows.push({ line, dot, texts, place: -1 });
    this.#body.append(line);
  }

  #fill(row: Row, place: number): void {
    const host = this.#hosts[place];
    row.place = place;
    row.line.hidden = host === undefined;
    if (host === undefined) return;
    row.line.setAttribute('aria-rowindex', String(place + 2));
    row.dot.className = `dot ${this.#fleet.text('state', host)}`;
    for (const [index, column] of COLUMNS.entries()) {
      const text = row.texts[index];
      if (text !== undefined) text.data = column.of(this.#fleet, host);
    }
  }

  #markActive(): void {
    let active = '';
    for (const { line, place } of this.#rows) {
      const isActive = place === this.#active && !line.hidden;
      line.classList.toggle('active', isActive);
      if (isActive) active = line.id;
    }
    this.#grid.setAttribute('aria-activedescendant', active);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target !== this.#grid) return;
    if (event.key === 'Enter' || event.key === ' ') {
      const host = this.#hosts[this.#active];
      if (host !== undefined) this.#open(host);
      event.preventDefault();
      return;
    }
    const page = Math.max(1, Math.floor(this.#visible) - 1);
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page },
      ...{ Home: -this.#hosts.length, End: this.#hosts.length },
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#active = Math.min(this.#hosts.length - 1, Math.max(0, this.#active + step));
    this.#reveal();
    this.#draw();
  }

  /** Scrolls as little as needed for the active row. */
  #reveal(): void {
    const { pixels, rows } = this.#room;
    const top = this.#top();
    const least = this.#active + 1 - this.#visible;
    if (this.#active >= top && least <= top) return;
    const first = this.#active < top ? this.#active : least;
    this.#grid.scrollTop = Math.ceil((first * pixels) / Math.max(1, rows));
  }

  #onClick(target: EventTarget | null): void {
    const line = target instanceof Element ? target.closest('.row') : null;
    const row = this.#rows.find((each) => each.line === line);
    if (row === undefined) return;
    this.#active = row.place;
    this.#markActive();
    const host = this.#hosts[row.place];
    if (host !== undefined && getSelection()?.isCollapsed !== false) this.#open(host);
  }

  #headerOf({ name, label, isNumber }: TableColumn): HTMLElement {
    const button = element('button', { class: 'sort', type: 'button', text: label });
    button.addEventListener('click', () => this.onSort(name));
    const style = isNumber === true ? `cell ${name} number` : `cell ${name}`;
    return element('div', { class: style, role: 'columnheader' }, button);
  }
}

export function numberOrNone(number: number | undefined): string {
  return number === undefined ? NONE : numberText(number);
}
