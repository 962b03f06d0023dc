import type { Fleet } from './data/fleet.ts';
import { loadFleet } from './data/load.ts';
import { ordered, type Sorting } from './data/order.ts';
import { Selection } from './data/selection.ts';
import { ageText, counted, countedOf, instantText } from './data/words.ts';
import { Bars } from './parts/bars.ts';
import { Details } from './parts/details.ts';
import { byId, element } from './parts/elements.ts';
import { Histogram } from './parts/histogram.ts';
import { HostTable } from './parts/host-table.ts';
import { overTime } from './parts/over-time.ts';
import { saveCsv } from './parts/save-csv.ts';
import { StateTiles } from './parts/tiles.ts';

/* The report in the browser. All parts show the same selection; each of them can change it. */

async function start(): Promise<void> {
  const fleet = await loadFleet(byId('data').textContent);
  describe(fleet);
  const selection = new Selection(fleet);
  const details = new Details(fleet, byId('details', HTMLDialogElement));
  const charts = [
    new StateTiles(byId('states'), selection),
    new Bars('Releases', ['release'], selection),
    new Bars('Failures by resource', ['failing'], selection),
    new Histogram('Last seen', 'ageBand', selection),
    new Histogram('Run time', 'runTimeBand', selection),
    new Bars('Hosts by', groupings(fleet), selection),
  ];
  const [, releases, failures, lastSeen, runTime, hostsBy] = charts;
  const cards = [overTime(fleet), releases, failures, hostsBy, lastSeen, runTime];
  byId('charts').append(...cards.flatMap((card) => (card === undefined ? [] : [card.card])));

  const table = new HostTable(byId('table'), fleet, (host) => details.show(host));
  let sorting: Sorting = { column: 'state', isDescending: false };
  let order = ordered(fleet, sorting);
  let hosts = order;
  const show = (): void => {
    hosts = order.filter((host) => selection.has(host));
    table.show(hosts, sorting);
    byId('count').textContent = countedOf(hosts.length, fleet.hosts);
    showConditions(selection);
    for (const chart of charts) chart.update();
  };
  table.onSort = (column) => {
    const isSame = column === sorting.column;
    sorting = { column, isDescending: isSame && !sorting.isDescending };
    order = ordered(fleet, sorting);
    show();
  };
  selection.onChange = show;
  byId('save').addEventListener('click', () => saveCsv(fleet, hosts));
  const search = byId('search', HTMLInputElement);
  search.addEventListener('input', () => selection.search(search.value));
  show();
  performance.mark('ready');
}

function describe({ head, hosts }: Fleet): void {
  const age = ageText(Math.max(0, Date.now() - head.syncedAt) / 1000);
  const title = `Fleet report: ${head.tree}`;
  document.title = title;
  byId('about').replaceChildren(
    element('strong', { text: head.tree }),
    ` in ${head.bucket} · ${counted(hosts)} · as copied ${instantText(head.syncedAt)}, ${age} ago`,
  );
}

/** What the last chart can divide the fleet by. */
function groupings({ columns }: Fleet): string[] {
  const fixed = ['os', 'environment', 'group', 'attention', 'agent', 'puppet', 'trust'];
  const facts = [...columns.values()].filter(({ head }) => head.isFact === true);
  return [...fixed, ...facts.map(({ head }) => head.name)];
}

function showConditions(selection: Selection): void {
  const chips = selection.described().map(({ text, remove }) => {
    const chip = element('button', { class: 'chip', type: 'button', text });
    chip.setAttribute('aria-label', `Remove the condition ${text}`);
    chip.addEventListener('click', () => {
      remove();
      byId('search').focus();
    });
    return chip;
  });
  if (chips.length > 1) {
    const clear = element('button', { class: 'clear', type: 'button', text: 'Clear all' });
    clear.addEventListener('click', () => {
      selection.clear();
      byId('search').focus();
    });
    chips.push(clear);
  }
  byId('conditions').replaceChildren(...chips);
}

start().catch((error: unknown) => {
  const problem = byId('problem');
  problem.hidden = false;
  problem.textContent = `The report cannot be shown: ${error instanceof Error ? error.message : error}`;
});
