import { csvLine } from '../../../../hosts/csv.ts';
import type { Fleet } from '../data/fleet.ts';

const TEXTS = ['state', 'environment', 'release', 'os', 'agent', 'puppet', 'note'] as const;

/** Saves the hosts as a file, in their order, with the columns of the table. */
export function saveCsv(fleet: Fleet, hosts: Uint32Array): void {
  const lines = [csvLine(['certname', 'ageSeconds', 'runSeconds', ...TEXTS])];
  for (const host of hosts) {
    const tenths = fleet.numberOf('runTime', host);
    lines.push(
      csvLine([
        fleet.names.of[host] ?? '',
        fleet.numberOf('age', host) ?? null,
        tenths === undefined ? null : tenths / 10,
        ...TEXTS.map((name) => fleet.text(name, host)),
      ]),
    );
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/csv' }));
  link.download = `fleet-${fleet.head.tree}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}
