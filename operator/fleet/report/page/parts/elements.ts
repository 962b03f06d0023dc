/* Elements of the page. Text is always set as text: hosts wrote a part of it. */

interface About {
  readonly class?: string;
  readonly text?: string;
  /** Of a button. */
  readonly type?: 'button';
  readonly id?: string;
  readonly role?: string;
  /** For people who do not see the element. */
  readonly label?: string;
  readonly isHidden?: boolean;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  about: About = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (about.class !== undefined) made.className = about.class;
  if (about.text !== undefined) made.textContent = about.text;
  if (about.type !== undefined) made.setAttribute('type', about.type);
  if (about.id !== undefined) made.id = about.id;
  if (about.role !== undefined) made.setAttribute('role', about.role);
  if (about.label !== undefined) made.setAttribute('aria-label', about.label);
  if (about.isHidden === true) made.setAttribute('aria-hidden', 'true');
  made.append(...children);
  return made;
}

/** An element of page.html. */
export function byId(id: string): HTMLElement;
export function byId<T extends HTMLElement>(id: string, type: new () => T): T;
export function byId(id: string, type: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${id}`);
}

let cards = 0;

/** A part of the page with a title. */
export function card(title: string, style: string, ...children: readonly Node[]): HTMLElement {
  cards += 1;
  const heading = element('h2', { text: title, id: `card-${cards}` });
  const made = element('section', { class: `card ${style}` }, heading, ...children);
  made.setAttribute('aria-labelledby', heading.id);
  return made;
}
