import type { Counts, Selection } from '../data/selection.ts';
import { valueText } from '../data/selection.ts';
import { counted, numberText, shareText } from '../data/words.ts';
import { card, element } from './elements.ts';

/** Bars that are shown at once. */
const SHOWN = 7;
/** More are found by the search. */
const MAX_SHOWN = 100;

/** A bar for each value of a column, the most frequent first. A click selects its hosts. */
export class Bars {
  readonly card: HTMLElement;
  readonly #selection: Selection;
  readonly #list = element('ul', { class: 'bars' });
  readonly #more = element('button', { class: 'more', type: 'button' });
  #column: string;
  #isWhole = false;

  /** With several columns, a person chooses one. */
  constructor(title: string, columns: readonly string[], selection: Selection) {
    this.#selection = selection;
    this.#column = columns[0] ?? '';
    this.card = card(title, columns.length > 1 ? 'by' : this.#column, this.#list, this.#more);
    this.#more.addEventListener('click', () => {
      this.#isWhole = !this.#isWhole;
      this.update();
    });
    if (columns.length > 1) this.#addChoice(title, columns);
  }

  update(): void {
    const counts = this.#selection.counts(this.#column);
    const values = this.#valuesOf(counts);
    const shown = values.slice(0, this.#isWhole ? MAX_SHOWN : SHOWN);
    const most = Math.max(1, ...shown.map((value) => counts.hosts[value] ?? 0));
    const focused = this.#list.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset['value']
      : undefined;
    this.#list.replaceChildren(...shown.map((value) => this.#barOf(value, counts, most)));
    if (shown.length === 0) this.#list.append(element('li', { class: 'empty', text: 'None' }));
    if (focused !== undefined) {
      const again = [...this.#list.querySelectorAll('button')];
      again.find(({ dataset }) => dataset['value'] === focused)?.focus();
    }
    this.#more.hidden = values.length <= SHOWN;
    const rest = Math.min(values.length, MAX_SHOWN) - SHOWN;
    this.#more.textContent = this.#isWhole ? 'Show fewer' : `Show ${numberText(rest)} more`;
    this.#more.setAttribute('aria-expanded', String(this.#isWhole));
  }

  #valuesOf({ hosts }: Counts): number[] {
    const selection = this.#selection;
    return [...hosts.keys()]
      .filter((value) => (hosts[value] ?? 0) > 0 || selection.hasValue(this.#column, value))
      .sort((a, b) => (hosts[b] ?? 0) - (hosts[a] ?? 0));
  }

  #barOf(value: number, counts: Counts, most: number): HTMLElement {
    const { fleet } = this.#selection;
    const column = this.#column;
    const text = valueText(column, fleet.column(column).values[value] ?? '');
    const [hosts, failing] = [counts.hosts[value] ?? 0, counts.failing[value] ?? 0];
    const message = column === 'failing' ? fleet.head.messages[value] : undefined;
    const isAllFailing = column === 'failing';
    const share = isAllFailing || failing === 0 ? '' : `${shareText(failing, hosts)} failing`;
    const good = element('span', { class: isAllFailing ? 'part failed' : 'part good' });
    good.style.width = `${(100 * (isAllFailing ? hosts : hosts - failing)) / most}%`;
    const bad = element('span', { class: 'part failed' });
    bad.style.width = isAllFailing ? '0' : `${(100 * failing) / most}%`;
    const button = element(
      'button',
      {
        class: 'bar',
        type: 'button',
        label: [`${text}: ${counted(hosts)}`, share, message].filter(Boolean).join(', '),
      },
      element('span', { class: 'bar-label', text }),
      element('span', { class: 'bar-share', text: share }),
      element('span', { class: 'bar-number', text: numberText(hosts) }),
      element('span', { class: 'track' }, good, bad),
    );
    if (message !== undefined)
      button.append(element('span', { class: 'bar-message', text: message }));
    button.title = message === undefined ? text : `${text}: ${message}`;
    button.dataset['value'] = String(value);
    button.setAttribute('aria-pressed', String(this.#selection.hasValue(column, value)));
    button.addEventListener('click', () => this.#selection.toggle(column, value));
    return element('li', {}, button);
  }

  #addChoice(title: string, columns: readonly string[]): void {
    const choice = element('select', { label: title });
    for (const name of columns) {
      const option = element('option', { text: this.#selection.fleet.column(name).head.label });
      option.value = name;
      choice.append(option);
    }
    choice.addEventListener('change', () => {
      this.#column = choice.value;
      this.#isWhole = false;
      this.update();
    });
    this.card.querySelector('h2')?.append(' ', choice);
  }
}
