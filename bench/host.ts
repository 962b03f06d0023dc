import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { BUCKET, type Lab, USERS, type User } from './lab.ts';
import { type Command, type Cost, measure } from './measure.ts';
import type { Operator } from './operator.ts';
import { release, type Workload } from './workloads.ts';

export interface HostOptions {
  /** Also the name of its folder and the first part of its certname. */
  readonly name: string;
  readonly environment: string;
  readonly user: User;
  /** Additional lines of agent.yaml. */
  readonly config?: string;
}

export interface Host {
  readonly root: string;
  readonly certname: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes a host as it is after the package was installed and configured, below one folder. */
export async function installHost(
  lab: Lab,
  operator: Operator,
  options: HostOptions,
): Promise<Host> {
  const root = join(lab.folder, `host-${options.name}`);
  const certname = certnameOf(options.name);
  const config = join(root, 'etc/miyamoto');
  await mkdir(config, { recursive: true });
  await cp(operator.trustRoot, join(config, 'root.json'));
  await writeFile(
    join(config, 'agent.yaml'),
    `bucket: ${BUCKET}
tree: ${operator.tree}
environment: ${options.environment}
certname: ${certname}
s3: { endpoint: '${lab.server.endpoint}' }
${options.config ?? ''}`,
  );
  return { root, certname, environment: lab.environment(options.user) };
}

export function certnameOf(host: string): string {
  return `${host}.example.com`;
}

const OWN_CPU = join(import.meta.dirname, 'own-cpu.pl');

/** Miyamoto on a host that has installed and applied a first release. */
export interface OwnContender extends Contender {
  /**
   * CPU time of the agent's own process in each run so far, ms; empty on macOS, where it cannot be
   * counted.
   */
  readonly ownCpuMs: number[];
}

export async function ownContender(
  lab: Lab,
  operator: Operator,
  workload: Workload,
): Promise<OwnContender> {
  const source = await operator.source(workload.name);
  await workload.write(source, lab.managedRoot);
  const publish = async (): Promise<void> => {
    await operator.commit(source);
    await operator.publish(workload);
  };
  await publish();
  const { name } = workload;
  const host = await installHost(lab, operator, { name, environment: name, user: USERS.machine });
  const cpuFile = join(lab.folder, 'own-cpu');
  const isCounted = process.platform === 'linux';
  const counter = isCounted ? ['perl', OWN_CPU, cpuFile] : [];
  const command: Command = {
    argv: [...counter, lab.programs.agent, '--once', '--json', '--root', host.root],
    environment: host.environment,
  };
  // The first run creates the resources. The second one finds nothing to change, like all measured
  // runs.
  for (let n = 0; n < 2; n += 1) await measure(command, lab);
  const ownCpuMs: number[] = [];
  return {
    command,
    ownCpuMs,
    async release(text) {
      await release(source, text);
      await publish();
    },
    async check(cost, wanted) {
      if (isCounted) ownCpuMs.push(Number(await readFile(cpuFile, 'utf8')));
      assertEnd(cost, wanted);
    },
  };
}

/** One line of the agent's log. */
export interface LogLine {
  readonly time: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export function logLines(cost: Pick<Cost, 'output'>): readonly LogLine[] {
  return cost.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

function assertEnd(cost: Cost, wanted: string): void {
  const end = logLines(cost).find(({ event }) => event === 'cycle.ended');
  if (end?.['run'] !== wanted) {
    throw new Error(`a run of mm-agent ended as ${String(end?.['run'])}, ${wanted} was expected`);
  }
}

/** A Puppet that takes no time and reports that nothing changed, to measure the agent alone. */
export async function idlePuppet(lab: Lab): Promise<string> {
  const path = join(lab.folder, 'idle-puppet');
  const script = `#!/bin/sh
[ "$1" = --version ] && { echo 7.23.0; exit 0; }
while [ $# -gt 0 ]; do [ "$1" = --lastrunreport ] && report=$2; shift; done
echo "{\\"time\\":\\"$(date -u +%FT%TZ)\\",\\"status\\":\\"unchanged\\"}" >"$report"
`;
  await writeFile(path, script, { mode: 0o755 });
  return path;
}
