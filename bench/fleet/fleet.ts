import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atMost, exactly, type Figure, type Group, type Mark } from '../rows.ts';
import { type Desk, launcherOptions, one, runMm } from './desk.ts';
import { type FleetLab, openFleetLab } from './fleet-lab.ts';
import { questions } from './questions.ts';
import { measureReport } from './report.ts';
import { FAILING, madeStatus } from './statuses.ts';

/** The part that reports something else before the last sync: one of so many hosts. */
const CHANGING = 10;

/**
 * `mm fleet` with that many hosts, at least 2,000: three syncs, the questions, the report and the
 * snapshot. What the S3 server uses is not counted.
 */
export async function fleet(
  hosts: number,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<{ readonly groups: readonly Group[] }> {
  say(`${hosts.toLocaleString('en')} statuses on a loopback S3 server`);
  await using lab = await openFleetLab(hosts);
  const { folder, environment } = lab;
  const desk: Desk = { hosts, folder, stop, environment, options: await launcherOptions() };
  const syncs = await measureSyncs(desk, lab, say);
  const asked = await measureQuestions(desk, say);
  const report = await measureReport(desk, say);
  return { groups: [syncs, asked, report, await measureSnapshot(desk, lab, say)] };
}

async function measureSyncs(
  desk: Desk,
  lab: FleetLab,
  say: (line: string) => void,
): Promise<Group> {
  const rows: Figure[] = [];
  const { hosts } = desk;
  const measured = async (
    name: string,
    every: number,
    { cpu, gets }: { readonly cpu: Mark; readonly gets: number },
  ): Promise<void> => {
    await lab.tell({ round: rows.length, every });
    say(`mm fleet sync, ${name}`);
    const used = await runMm(desk, ['fleet', 'sync']);
    const requests = await lab.tell();
    rows.push(
      one(`${name}: CPU`, 's', used.cpuSeconds, cpu),
      one(`${name}: wall`, 's', used.wallSeconds),
      one(`${name}: memory`, 'MB', used.peakMb, atMost(250)),
      one(`${name}: requests`, '', requests, exactly(Math.ceil(hosts / 1000) + gets)),
    );
  };
  await measured('first', 0, { cpu: atMost(0.0005 * hosts), gets: hosts });
  await measured('nothing changed', 0, { cpu: atMost(2), gets: 0 });
  await measured('10 % changed', CHANGING, { cpu: atMost(6), gets: Math.ceil(hosts / CHANGING) });
  return { title: `mm fleet sync, ${hosts.toLocaleString('en')} hosts`, rows };
}

/** One machine makes the snapshot, and another one copies it. */
async function measureSnapshot(
  desk: Desk,
  lab: FleetLab,
  say: (line: string) => void,
): Promise<Group> {
  const rows: Figure[] = [];
  const measured = async (
    words: readonly string[],
    { requests, maxMb }: { readonly requests: number; readonly maxMb: number },
  ): Promise<void> => {
    const name = `mm fleet ${words.join(' ')}`;
    say(name);
    const used = await runMm(desk, ['fleet', ...words]);
    rows.push(
      one(`${name}: CPU`, 's', used.cpuSeconds),
      one(`${name}: wall`, 's', used.wallSeconds),
      one(`${name}: memory`, 'MB', used.peakMb, atMost(maxMb)),
      one(`${name}: requests`, '', await lab.tell(), exactly(requests)),
    );
  };
  // The history of an earlier snapshot is asked for, and looked for in a listing.
  await measured(['snapshot'], { requests: 2 + 6, maxMb: 400 });
  await rm(join(desk.folder, '.miyamoto'), { recursive: true });
  await measured(['sync', '--snapshot'], { requests: 2, maxMb: 250 });
  return { title: 'Snapshot', rows };
}

async function measureQuestions(desk: Desk, say: (line: string) => void): Promise<Group> {
  const rows: Figure[] = [];
  const { certname } = madeStatus(FAILING, 0, Date.now());
  for (const words of questions(certname)) {
    const name = `mm fleet ${words.join(' ')}`;
    say(name);
    const used = await runMm(desk, ['fleet', ...words]);
    rows.push(one(name.replace(certname, 'HOST'), 's', used.wallSeconds, atMost(1)));
    if (used.peakMb > 250) rows.push(one('of it memory', 'MB', used.peakMb, atMost(250)));
  }
  return { title: 'Questions', rows };
}
