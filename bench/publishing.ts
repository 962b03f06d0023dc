import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './cycles.ts';
import { type Host, idlePuppet, installHost, type LogLine, logLines } from './host.ts';
import { USERS } from './lab.ts';
import { measure } from './measure.ts';
import { below, figure, type Group, type Row, rowsOf } from './rows.ts';
import { MANY_FILES } from './workloads.ts';

/** A large release, from a git repository to the disk of a host. */
export async function publishing(bench: Bench): Promise<Group> {
  const { title } = MANY_FILES;
  const limits = bench.plan.publishing;
  if (limits === undefined) return { title, rows: [] };
  bench.say(`${title}: mm publish, and taking it`);
  return { title, rows: await rowsOf(title, () => rows(bench, limits.pairs)) };
}

async function rows(bench: Bench, rounds: number): Promise<readonly Row[]> {
  const { lab, operator } = bench;
  const source = await operator.source(MANY_FILES.name);
  await MANY_FILES.write(source, lab.managedRoot);
  const host = await installHost(lab, operator, {
    name: 'many',
    environment: MANY_FILES.name,
    user: USERS.machine,
    config: `run: { puppet: ${await idlePuppet(lab)} }\n`,
  });
  const published: number[] = [];
  const installed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    lab.noise.sample();
    await appendFile(join(source, 'modules/module_0/files/file-0.txt'), `round ${round}\n`);
    await operator.commit(source);
    published.push((await operator.publish(MANY_FILES)).wallSeconds);
    installed.push(await secondsToInstall(bench, host));
  }
  return [
    figure('mm publish without gates', 's', published, below(5)),
    figure('fetch, unpack, activate', 's', installed, below(1)),
  ];
}

/** Seconds from the decision to fetch to the swap of the link, from the agent's own log. */
async function secondsToInstall({ lab }: Bench, host: Host): Promise<number> {
  const argv = [lab.programs.agent, '--once', '--json', '--root', host.root];
  const lines = logLines(await measure({ argv, environment: host.environment }, lab));
  const at = (event: string): number => {
    const line = lines.find((found: LogLine) => found.event === event);
    if (line === undefined) throw new Error(`mm-agent logged no ${event}`);
    return Date.parse(line.time);
  };
  return (at('release.activated') - at('release.fetching')) / 1000;
}
