import type { Fleet } from '../data/fleet.ts';
import { ageText, instantText, stateCalled } from '../data/words.ts';
import { element } from './elements.ts';
import { numberOrNone, runTimeOf } from './host-table.ts';

/** What the report knows about one host, and the commands that know more. */
export class Details {
  readonly #fleet: Fleet;
  readonly #dialog: HTMLDialogElement;

  constructor(fleet: Fleet, dialog: HTMLDialogElement) {
    this.#fleet = fleet;
    this.#dialog = dialog;
    // A click beside the box is on the dialog itself.
    dialog.addEventListener('click', ({ target }) => {
      if (target === dialog) dialog.close();
    });
  }

  show(host: number): void {
    const name = this.#fleet.names.of[host] ?? '';
    const state = this.#fleet.text('state', host);
    const close = element('button', { class: 'close', type: 'button', label: 'Close', text: '×' });
    close.addEventListener('click', () => this.#dialog.close());
    const title = element('h2', { id: 'details-title', text: name });
    const dot = element('span', { class: `dot ${state}` });
    const badge = element('p', { class: 'badge' }, dot, stateCalled(state).label);
    const note = this.#fleet.text('note', host);
    const head = element('div', { class: 'details-head' }, title, close);
    const box = element('div', { class: 'details' }, head, badge);
    if (note !== '') box.append(element('p', { class: 'why', text: note }));
    box.append(this.#list(host), ...this.#commands(name, host));
    this.#dialog.replaceChildren(box);
    this.#dialog.showModal();
  }

  #list(host: number): HTMLElement {
    const fleet = this.#fleet;
    const age = fleet.numberOf('age', host) ?? 0;
    const seen = `${instantText(fleet.head.syncedAt - age * 1000)}, ${ageText(age)} before the copy`;
    const rows: [string, string][] = [
      ['Environment', fleet.text('environment', host)],
      ['Release', fleet.text('release', host)],
      ['Last seen', seen],
      ['Run time', runTimeOf(fleet, host)],
      ['Changed resources', numberOrNone(fleet.numberOf('changed', host))],
      ['Failed resources', numberOrNone(fleet.numberOf('failed', host))],
      ['Failing', fleet.texts('failing', host).join('\n')],
      ['Attention', fleet.texts('attention', host).join('\n')],
      ['Groups', fleet.texts('group', host).join(', ')],
      ['Trust', fleet.text('trust', host)],
      ['Agent', fleet.text('agent', host)],
      ['Puppet', fleet.text('puppet', host)],
    ];
    for (const { head } of fleet.columns.values()) {
      if (head.isFact === true) rows.push([head.label, fleet.text(head.name, host)]);
    }
    const list = element('dl');
    for (const [name, text] of rows) {
      if (text !== '') list.append(element('dt', { text: name }), element('dd', { text }));
    }
    return list;
  }

  #commands(name: string, host: number): HTMLElement[] {
    // Of another name, nothing may be pasted into a shell.
    if (!/^[a-z0-9._-]+$/.test(name)) return [];
    const failing = this.#fleet
      .texts('failing', host)
      .filter((each) => /^[\w:]+\[[\w/.:@ -]+\]$/.test(each));
    const commands = [
      `mm fleet host ${name}`,
      ...failing.slice(0, 3).map((resource) => `mm fleet why ${name} '${resource}'`),
    ];
    return commands.map((text) => element('code', { text }));
  }
}
