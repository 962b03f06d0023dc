import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATH } from '../lab.ts';
import { atMost, exactly, type Figure, type Group, type Mark } from '../rows.ts';
import { type Desk, launcherOptions, one, runMm } from './desk.ts';
import { questions } from './questions.ts';
import { measureReport } from './report.ts';
import { PLACE, READER, type Said, type Told } from './server.ts';
import { FAILING, madeStatus } from './statuses.ts';

/** The part that reports something else before the last sync: one of so many hosts. */
const CHANGING = 10;

/**
 * `mm fleet` with that many hosts, at least 2,000: three syncs, the questions, and the report. What
 * the S3 server uses is not counted.
 */
export async function fleet(
  hosts: number,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<{ readonly groups: readonly Group[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'miyamoto-fleet-'));
  const server = fork(join(import.meta.dirname, 'server.ts'), [String(hosts)]);
  try {
    say(`${hosts.toLocaleString('en')} statuses on a loopback S3 server`);
    const ready = await next(server);
    if (!('endpoint' in ready)) throw new Error('the S3 server did not start');
    await writeConfig(folder, ready);
    const environment = {
      ...{ PATH, HOME: folder, LANG: 'C.UTF-8', AWS_REGION: ready.region },
      ...{ AWS_ACCESS_KEY_ID: READER.accessKeyId, AWS_SECRET_ACCESS_KEY: READER.secretAccessKey },
    };
    const desk: Desk = { hosts, folder, stop, environment, options: await launcherOptions() };
    const syncs = await measureSyncs(desk, server, say);
    const asked = await measureQuestions(desk, say);
    return { groups: [syncs, asked, await measureReport(desk, say)] };
  } finally {
    if (server.connected) server.disconnect();
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

type Server = ReturnType<typeof fork>;

async function next(server: Server): Promise<Said> {
  const gone = once(server, 'exit').then(() => {
    throw new Error('the S3 server of the fleet has ended');
  });
  gone.catch(() => undefined);
  const [said] = await Promise.race([once(server, 'message'), gone]);
  return said as Said;
}

async function writeConfig(
  folder: string,
  { endpoint, region }: { readonly endpoint: string; readonly region: string },
): Promise<void> {
  const tree = { id: 'bench/fleet', environments: { stable: { ref: 'main' } } };
  const config = {
    ...{ bucket: PLACE.bucket, s3: { endpoint, region } },
    trees: { [PLACE.tree]: tree },
  };
  await writeFile(join(folder, 'miyamoto.yaml'), JSON.stringify(config));
}

async function measureSyncs(
  desk: Desk,
  server: Server,
  say: (line: string) => void,
): Promise<Group> {
  const rows: Figure[] = [];
  const { hosts } = desk;
  const measured = async (
    name: string,
    every: number,
    { cpu, gets }: { readonly cpu: Mark; readonly gets: number },
  ): Promise<void> => {
    await tell(server, { round: rows.length, every });
    say(`mm fleet sync, ${name}`);
    const used = await runMm(desk, ['fleet', 'sync']);
    const requests = await tell(server, { round: 0, every: 0 });
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

/** Returns the number of requests since the last call. */
async function tell(server: Server, told: Told): Promise<number> {
  server.send(told);
  const said = await next(server);
  return 'requests' in said ? said.requests : Number.NaN;
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
