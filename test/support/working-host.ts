import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hostStatusKey } from '../../bucket/layout.ts';
import { type AgentLab, agentLab, BUCKET, CERTNAME, manifestWriting, TREE } from './agent-lab.ts';
import { HostInProcess } from './host-in-process.ts';

const STATUS_KEY = hostStatusKey(TREE, CERTNAME);

/**
 * A host that runs 1.1.0 and has run 1.0.0. Each file of its state can be damaged and put back, and
 * so can its bucket.
 */
export async function workingHost(t: TestContext) {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet('echo Notice: a run');
  await lab.configure(`run: { puppet: ${puppet} }\nlog: { level: error }\n`);
  const host = new HostInProcess({
    user: lab.user,
    packagedRoot: lab.simulator.files.get('1.root.json')!,
    config: readFileSync(lab.paths.configFile, 'utf8'),
    onRun: undefined,
  });
  t.after(() => host[Symbol.dispose]());
  const turn = async () => await host.turn({ trigger: 'apply', s3: {} });
  lab.simulator.rotateOnline('timestamp', 'snapshot');
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  await turn();
  const old = new Map(lab.simulator.files);
  lab.publish('1.1.0', manifestWriting('/nowhere', 'two'));
  await turn();
  const working = new Map(lab.simulator.files);
  const status = lab.server.get(BUCKET, STATUS_KEY)!;
  const { state } = host.paths;
  const copy = `${state}.copy`;
  cpSync(state, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return {
    ...{ lab, host, turn, old, working },
    putBack(): void {
      rmSync(state, { recursive: true });
      cpSync(copy, state, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      lab.server.put(BUCKET, STATUS_KEY, status);
      bucketHas(lab, working);
    },
  };
}

/** Puts these files in the place of all metadata of the bucket. */
export function bucketHas(lab: AgentLab, files: ReadonlyMap<string, Buffer>): void {
  lab.simulator.files = new Map(files);
  for (const key of lab.server.keys(BUCKET))
    if (key.endsWith('.json') && key.includes('/metadata/')) lab.server.delete(BUCKET, key);
  lab.sync();
}

/** Puppet's code is Puppet's to read. A reserve only takes space. */
const NOT_READ = /^(releases\/\w+\/tree\/|reserves\/)/;

/** Files and links below the state directory that the agent reads. */
export function filesOf(directory: string, below = ''): string[] {
  const entries = readdirSync(join(directory, below), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return filesOf(directory, name);
    return NOT_READ.test(name) ? [] : [name];
  });
}
