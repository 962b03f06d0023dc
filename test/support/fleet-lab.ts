import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CycleRequest } from '../../agent/agent.ts';
import { openAgent } from '../../agent/commands/open-agent.ts';
import { cycle } from '../../agent/cycle.ts';
import { parseOptions } from '../../agent/options.ts';
import { hostPaths } from '../../agent/paths.ts';
import { StatusDocument } from '../../bucket/documents/status.ts';
import { hostStatusKey } from '../../bucket/layout.ts';
import { BUCKET, MACHINE, type OperatorLab, TREE } from '../operator/operator-lab.ts';

export interface FleetHost {
  readonly certname: string;
  readonly environment: string;
  readonly groups: readonly string[];
}

const NEVER = new AbortController().signal;
/** A cycle that a person asks for. */
const REQUEST: CycleRequest = {
  trigger: 'asked',
  ...{ noop: false, tags: [], skipTags: [], debug: false, ignoreWindow: false },
  ...{ isTrial: false, keepsRelease: false, showDiff: false },
  prefetched: undefined,
  lockLost: NEVER,
};

/**
 * Hosts of the tree of an operator's lab. Each agent has a root of its own and runs its cycles in
 * this process: of hundreds of polls, starts would be the largest part. Puppet is a stand-in: its
 * runs fail while the active release contains the word BREAKS and the lab's file `breaking` exists.
 */
export async function fleetLab(lab: OperatorLab, hosts: readonly FleetHost[]) {
  const breaking = join(lab.directory, 'breaking');
  const rootOf = ({ certname }: FleetHost) => join(lab.directory, 'hosts', certname);
  for (const host of hosts) await install(lab, host, { root: rootOf(host), breaking });
  const polled = async (host: FleetHost): Promise<void> => {
    const root = rootOf(host);
    const agent = await openAgent(parseOptions(['--once', '--root', root]), {
      PATH: process.env['PATH'],
      HOME: root,
      AWS_ACCESS_KEY_ID: MACHINE.accessKeyId,
      AWS_SECRET_ACCESS_KEY: MACHINE.secretAccessKey,
    });
    const { error } = await cycle(agent, REQUEST, NEVER);
    if (error !== undefined) throw new Error(`${host.certname}: ${error.code} ${error.message}`);
  };
  return {
    /** Makes runs of a release that contains BREAKS fail from now on. */
    breakRuns: () => writeFile(breaking, ''),
    /** Every host polls and runs once. */
    async poll(): Promise<void> {
      const waiting = [...hosts];
      const work = async () => {
        for (let host = waiting.pop(); host !== undefined; host = waiting.pop()) await polled(host);
      };
      await Promise.all([work(), work()]);
    },
    status({ certname }: Pick<FleetHost, 'certname'>): StatusDocument {
      const bytes = lab.server.get(BUCKET, hostStatusKey(TREE, certname));
      if (bytes === undefined) throw new Error(`${certname} has not reported`);
      return StatusDocument.parse(JSON.parse(String(bytes)));
    },
  };
}

async function install(
  lab: OperatorLab,
  { certname, environment, groups }: FleetHost,
  { root, breaking }: { readonly root: string; readonly breaking: string },
): Promise<void> {
  const paths = hostPaths({ platform: 'linux', root });
  await mkdir(paths.configDirectory, { recursive: true });
  await cp(join(lab.repository, `${TREE}.root.json`), paths.trustRoot);
  const puppet = join(root, 'puppet');
  const config = {
    ...{ bucket: BUCKET, tree: TREE, certname, environment, groups },
    s3: { endpoint: lab.server.endpoint, region: lab.server.region },
    run: { puppet },
    log: { level: 'error' },
  };
  await writeFile(paths.configFile, JSON.stringify(config));
  await writeFile(
    puppet,
    `#!/bin/sh
[ "$1" = --version ] && { echo 7.23.0; exit 0; }
status=unchanged
[ -e '${breaking}' ] && grep -rq BREAKS '${paths.state}/environments/${environment}/' && status=failed
while [ $# -gt 0 ]; do [ "$1" = --lastrunreport ] && report=$2; shift; done
echo "{\\"time\\":\\"$(date -u +%FT%TZ)\\",\\"status\\":\\"$status\\"}" > "$report"
[ $status = unchanged ] || exit 4
`,
  );
  await chmod(puppet, 0o755);
}
