import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { hostFactsKey, hostStatusKey } from '../bucket/layout.ts';
import type { Bench } from './cycles.ts';
import { certnameOf } from './host.ts';
import { BUCKET, USERS } from './lab.ts';
import { measure } from './measure.ts';
import { below, figure, type Group, type Row, rowsOf } from './rows.ts';
import { HUNDRED, release } from './workloads.ts';

const HOSTS = 1000;
const MARK_SECONDS = 90;
const MARK_MB = 100;

/** The preview of a change that every host would get: two catalogs of each host. */
export async function preview(bench: Bench): Promise<Group> {
  const title = `mm diff: ${HOSTS.toLocaleString('en')} hosts of ${HUNDRED.title}`;
  if (bench.plan.preview === undefined) return { title, rows: [] };
  bench.say(title);
  return { title, rows: await rowsOf(title, () => rows(bench)) };
}

/** After the cycles: the environment is published, and a host has sent its facts. */
async function rows({ lab, operator }: Bench): Promise<readonly Row[]> {
  const source = join(lab.folder, 'sources', HUNDRED.name);
  copyHost(certnameOf(HUNDRED.name), lab.server, operator.tree);
  await release(source, 'a preview');
  await operator.commit(source);
  const watching = new AbortController();
  const peak = peakOf('compile_catalogs.rb', watching.signal);
  const ours = await operator.diff(HUNDRED, HOSTS);
  watching.abort();
  const bytes = await peak;
  if (!ours.output.includes(`${HOSTS} hosts: ~ `)) throw new Error(ours.output.slice(-500));
  const own = ['conf', 'var', 'code', 'log', 'run', 'public'];
  const theirs = await measure(
    {
      argv: [
        ...['puppet', 'catalog', 'compile', certnameOf('h0'), '--environment', HUNDRED.name],
        ...['--environmentpath', join(lab.folder, 'sources')],
        ...own.flatMap((name) => [`--${name}dir`, join(lab.folder, 'compile', name)]),
      ],
      environment: lab.environment(USERS.rival),
    },
    lab,
  );
  const [perHost, perCatalog] = [ours.cpuSeconds / HOSTS, theirs.cpuSeconds];
  return [
    figure('wall time', 's', [ours.wallSeconds], below(MARK_SECONDS)),
    {
      what: 'CPU of a host, against puppet catalog compile twice',
      unit: 's',
      ours: perHost,
      theirs: 2 * perCatalog,
      ratios: [perHost / (2 * perCatalog)],
      samples: 1,
      marks: [],
    },
    ...(bytes === undefined
      ? []
      : [figure('peak memory of a Ruby process', 'MB', [bytes / 1e6], below(MARK_MB))]),
  ];
}

/** Hosts that differ in their names only, with the facts and the status of a real one. */
function copyHost(from: string, server: Bench['lab']['server'], tree: string): void {
  for (const keyOf of [hostFactsKey, hostStatusKey]) {
    const text = server.get(BUCKET, keyOf(tree, from))?.toString('utf8');
    if (text === undefined) throw new Error(`${from} has sent nothing to ${keyOf(tree, from)}`);
    for (let n = 1; n < HOSTS; n += 1) {
      const certname = certnameOf(`h${n}`);
      server.put(BUCKET, keyOf(tree, certname), text.replaceAll(from, certname));
    }
  }
}

/** The largest resident size of processes of that program, in bytes; undefined without /proc. */
async function peakOf(program: string, stop: AbortSignal): Promise<number | undefined> {
  let peak: number | undefined;
  try {
    for await (const _ of every(500, undefined, { signal: stop })) {
      const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      for (const pid of processes) {
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (!command.includes(program)) continue;
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
        const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
        peak = Math.max(peak ?? 0, kilobytes * 1024);
      }
    }
  } catch {} // stopped, or a system without /proc
  return peak;
}
