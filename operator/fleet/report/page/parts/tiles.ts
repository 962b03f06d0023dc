import type { Selection } from '../data/selection.ts';
import { counted, numberText, STATES, type State, shareText } from '../data/words.ts';
import { element } from './elements.ts';

interface Tile {
  readonly value: number;
  readonly button: HTMLButtonElement;
  readonly number: HTMLElement;
  readonly share: HTMLElement;
  readonly segment: HTMLElement;
  readonly label: string;
}

/** The states of the hosts: a bar of the whole fleet, and a button for each state. */
export class StateTiles {
  readonly card = element('div', { class: 'unused' });
  readonly #selection: Selection;
  readonly #tiles: readonly Tile[];

  constructor(place: HTMLElement, selection: Selection) {
    this.#selection = selection;
    const { values } = selection.fleet.one('state');
    this.#tiles = STATES.filter(({ name }) => values.includes(name)).map((state) =>
      this.#tileOf(state, values.indexOf(state.name)),
    );
    const bar = element('div', { class: 'proportions', isHidden: true });
    bar.append(...this.#tiles.map(({ segment }) => segment));
    const list = element('div', { class: 'tiles' });
    list.append(...this.#tiles.map(({ button }) => button));
    place.append(bar, list);
  }

  update(): void {
    const { hosts } = this.#selection.counts('state');
    const all = hosts.reduce((sum, count) => sum + count, 0);
    for (const { value, button, number, share, segment, label } of this.#tiles) {
      const count = hosts[value] ?? 0;
      number.textContent = numberText(count);
      share.textContent = shareText(count, all);
      segment.style.flexGrow = String(count);
      segment.hidden = count === 0;
      button.classList.toggle('zero', count === 0);
      button.setAttribute('aria-pressed', String(this.#selection.hasValue('state', value)));
      button.setAttribute('aria-label', `${label}: ${counted(count)}, ${shareText(count, all)}`);
    }
  }

  #tileOf({ name, label }: State, value: number): Tile {
    const dot = element('span', { class: `dot ${name}` });
    const title = element('span', { class: 'tile-label' }, dot, label);
    const number = element('span', { class: 'tile-number' });
    const share = element('span', { class: 'tile-share' });
    const button = element('button', { class: 'tile', type: 'button' }, title, number, share);
    button.addEventListener('click', () => this.#selection.toggle('state', value));
    const segment = element('span', { class: name });
    return { value, button, number, share, segment, label };
  }
}
