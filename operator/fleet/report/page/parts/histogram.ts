import type { Selection } from '../data/selection.ts';
import { counted, durationText, numberText, shareText } from '../data/words.ts';
import { card, element } from './elements.ts';

/** How many hosts are in each band of a number. A click on a band selects its hosts. */
export class Histogram {
  readonly card: HTMLElement;
  readonly #selection: Selection;
  readonly #column: string;
  readonly #bands: readonly {
    readonly button: HTMLButtonElement;
    readonly fill: HTMLElement;
    readonly number: HTMLElement;
    readonly title: string;
  }[];
  readonly #note = element('p', { class: 'remark' });

  constructor(title: string, column: string, selection: Selection) {
    this.#selection = selection;
    this.#column = column;
    const { values } = selection.fleet.one(column);
    const plot = element('div', { class: 'histogram' });
    this.#bands = values.slice(0, -1).map((value, index) => {
      const fill = element('span', { class: 'fill' });
      const number = element('span', { class: 'band-number' });
      const label = element('span', { class: 'band-label', text: value });
      const area = element('span', { class: 'band-area' }, number, fill);
      const button = element('button', { class: 'band', type: 'button' }, area, label);
      button.addEventListener('click', () => selection.toggle(column, index));
      plot.append(button);
      return { button, fill, number, title: bandTitle(values, index) };
    });
    this.card = card(title, 'numbers', plot, this.#note);
  }

  update(): void {
    const { hosts } = this.#selection.counts(this.#column);
    const counts = hosts.subarray(0, this.#bands.length);
    const most = Math.max(1, ...counts);
    const all = counts.reduce((sum, count) => sum + count, 0);
    for (const [index, { button, fill, number, title }] of this.#bands.entries()) {
      const count = counts[index] ?? 0;
      fill.style.height = count === 0 ? '0' : `max(2px, ${(100 * count) / most}%)`;
      number.textContent = count === 0 ? '' : numberText(count);
      const text = `${title}: ${counted(count)}, ${shareText(count, all)}`;
      button.title = text;
      button.setAttribute('aria-label', text);
      button.setAttribute('aria-pressed', String(this.#selection.hasValue(this.#column, index)));
    }
    this.#note.textContent = this.#column === 'runTimeBand' ? this.#middle() : '';
    this.#note.hidden = this.#note.textContent === '';
  }

  /** Of the hosts that are selected. */
  #middle(): string {
    const { cells } = this.#selection.fleet.number('runTime');
    const runs = new Uint32Array(MAX_TENTHS + 1);
    let all = 0;
    for (let host = 0; host < cells.length; host += 1) {
      const cell = cells[host] ?? 0;
      if (cell === 0 || !this.#selection.has(host)) continue;
      all += 1;
      const tenths = Math.min(cell - 1, MAX_TENTHS);
      runs[tenths] = (runs[tenths] ?? 0) + 1;
    }
    if (all === 0) return 'None of these hosts has run yet.';
    const [half, most] = [0.5, 0.95].map((share) => durationText(within(runs, share * all) / 10));
    return `Half of the runs end within ${half}, 95 % within ${most}.`;
  }
}

/** Longer runs count as 2 hours. */
const MAX_TENTHS = 72_000;

/** The time in which so many runs end. */
function within(runs: Uint32Array, wanted: number): number {
  let ended = 0;
  return runs.findIndex((count) => {
    ended += count;
    return ended >= wanted;
  });
}

function bandTitle(values: readonly string[], index: number): string {
  const [before, end] = [values[index - 1], values[index]];
  if (before === undefined) return `up to ${end}`;
  return index === values.length - 2 ? `more than ${before}` : `${before} to ${end}`;
}
