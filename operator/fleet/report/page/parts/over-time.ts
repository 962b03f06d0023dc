import type { Fleet } from '../data/fleet.ts';
import { counted, instantText, numberText, STATES, type State } from '../data/words.ts';
import { card, element } from './elements.ts';

/** In units of the drawing. */
const [WIDTH, HEIGHT] = [600, 28];

interface Series {
  readonly state: State;
  readonly counts: readonly number[];
}

/**
 * How many hosts were in each state after each sync. Each state has a scale of its own: of a good
 * fleet, failures are a few of many. A slider chooses the time whose numbers are shown.
 */
export function overTime({ head: { history } }: Fleet): { readonly card: HTMLElement } {
  if (history.length < 2) {
    const text = 'Each mm fleet sync on this machine adds a point. A line needs two of them.';
    return { card: card('State over time', 'time', element('p', { class: 'empty', text })) };
  }
  const times = history.map(({ at }) => Date.parse(at));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const places = times.map((at) => (WIDTH * (at - first)) / Math.max(1, last - first));
  const all = STATES.map((state) => ({
    state,
    counts: history.map(({ hosts }) => hosts[state.name] ?? 0),
  }));
  const shown = all.filter(({ counts }) => counts.some((count) => count > 0));
  const rows = shown.map((series) => rowOf(series, places));
  const when = element('p', { class: 'when' });
  const slider = element('input', { label: 'Time of the numbers' });
  slider.type = 'range';
  slider.max = String(history.length - 1);
  slider.value = slider.max;
  const show = (): void => {
    const index = Number(slider.value);
    const at = times[index] ?? last;
    when.textContent = index === history.length - 1 ? `Now, ${instantText(at)}` : instantText(at);
    slider.setAttribute('aria-valuetext', instantText(at));
    for (const row of rows) row.show(index, places[index] ?? WIDTH);
  };
  slider.addEventListener('input', show);
  const plot = element('div', { class: 'series' });
  plot.append(...rows.map((row) => row.line));
  plot.addEventListener('pointermove', ({ clientX, target }) => {
    if (!(target instanceof SVGElement)) return;
    const { left, width } = (target.ownerSVGElement ?? target).getBoundingClientRect();
    slider.value = String(nearest(places, (WIDTH * (clientX - left)) / width));
    show();
  });
  plot.addEventListener('pointerleave', () => {
    slider.value = slider.max;
    show();
  });
  show();
  const axis = element('div', { class: 'axis' });
  axis.append(
    element('span', { text: dayText(first) }),
    slider,
    element('span', { text: dayText(last) }),
  );
  const made = card('State over time', 'time', plot, axis, when);
  made.querySelector('h2')?.append(element('small', { text: 'all hosts' }));
  return { card: made };
}

function rowOf({ state, counts }: Series, places: readonly number[]) {
  const most = Math.max(1, ...counts);
  const points = counts.map(
    (count, index) =>
      `${places[index]?.toFixed(1)},${(HEIGHT - 2 - ((HEIGHT - 4) * count) / most).toFixed(1)}`,
  );
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
  });
  const [least, now] = [Math.min(...counts), counts.at(-1) ?? 0];
  drawing.setAttribute(
    'aria-label',
    `${state.label}: ${counted(now)} now, ${numberText(least)} to ${numberText(most)} before`,
  );
  const cursor = svg('line', { class: 'cursor', y1: '0', y2: String(HEIGHT) });
  drawing.append(
    svg('polygon', {
      class: `area ${state.name}`,
      points: `0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`,
    }),
    svg('polyline', { class: `line ${state.name}`, points: points.join(' ') }),
    cursor,
  );
  const number = element('span', { class: 'series-number' });
  const dot = element('span', { class: `dot ${state.name}` });
  const line = element('div', { class: 'series-row' });
  line.append(element('span', { class: 'series-label' }, dot, state.label), drawing, number);
  const show = (index: number, place: number): void => {
    number.textContent = numberText(counts[index] ?? 0);
    for (const end of ['x1', 'x2']) cursor.setAttribute(end, String(place));
  };
  return { line, show };
}

function svg(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function nearest(places: readonly number[], place: number): number {
  const distances = places.map((each) => Math.abs(each - place));
  return distances.indexOf(Math.min(...distances));
}

function dayText(at: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  }).format(at);
}
