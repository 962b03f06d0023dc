import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { certnameOf } from './host.ts';
import { BUCKET, type Lab, PROJECT, USERS } from './lab.ts';
import { measure } from './measure.ts';
import type { Operator } from './operator.ts';
import { playbook } from './playbook.ts';
import type { Tool } from './tools.ts';
import { HUNDRED, release, type Workload } from './workloads.ts';

/** What a user would run instead. */
export interface Rival {
  readonly name: string;
  /** The program that it needs beside Puppet. */
  readonly tool?: Tool;
  /** Sets it up on this machine and runs it once. */
  prepare(lab: Lab, operator: Operator): Promise<Contender>;
}

/** `puppet apply` on an environment that is on the disk: it fetches nothing and reports nothing. */
export function bareApply(workload: Workload): Rival {
  return {
    name: 'puppet apply',
    async prepare(lab) {
      const folder = await newFolder(lab, `bare-${workload.name}`);
      await workload.write(join(folder, 'environments/stable'), lab.managedRoot);
      return await warm(lab, { folder, argv: applyCommand(folder) });
    },
  };
}

export function originalCycle(tool: 's3cmd' | 'aws'): Rival {
  const name = tool === 'aws' ? 'awscli' : tool;
  return {
    name: `the original's cycle with ${name}`,
    tool,
    async prepare(lab) {
      const folder = await newFolder(lab, `original-${tool}`);
      const source = join(folder, 'source');
      await HUNDRED.write(source, lab.managedRoot);
      await writeFile(join(folder, 's3cfg'), s3cfg(lab));
      const publish = async (version: string): Promise<void> => {
        const tarball = join(folder, 'published.tar.gz');
        await run(lab, ['tar', '-czf', tarball, '-C', source, '.']);
        const put = (key: string, body: Uint8Array | string): void =>
          lab.server.put(BUCKET, `${tool}/${key}`, body);
        put(`manifests/${version}.tar.gz`, await readFile(tarball));
        put('flavors/stable', `${version}\n`);
      };
      await publish('first');
      const script = ['sh', scriptPath('original-cycle'), tool, lab.server.endpoint, BUCKET];
      const contender = await warm(lab, { folder, argv: [...script, ...applyCommand(folder)] });
      return {
        ...contender,
        async release(text) {
          await release(source, text);
          await publish(text.replaceAll(' ', '-'));
        },
      };
    },
  };
}

export const SYNC_CYCLE: Rival = {
  name: 'aws s3 sync, puppet apply',
  tool: 'aws',
  async prepare(lab) {
    const folder = await newFolder(lab, 'sync');
    const source = join(folder, 'source');
    await HUNDRED.write(source, lab.managedRoot);
    const upload = async (paths: readonly string[]): Promise<void> => {
      for (const path of paths)
        lab.server.put(BUCKET, `sync/${path}`, await readFile(join(source, path)));
    };
    await upload(await filesBelow(source));
    const script = ['sh', scriptPath('sync-cycle'), lab.server.endpoint, BUCKET];
    const contender = await warm(lab, { folder, argv: [...script, ...applyCommand(folder)] });
    return {
      ...contender,
      async release(text) {
        await release(source, text);
        await upload(['data/common.yaml']);
      },
    };
  },
};

export const PULL_CYCLE: Rival = {
  name: 'git pull, puppet apply',
  tool: 'git',
  async prepare(lab, operator) {
    const folder = await newFolder(lab, 'pull');
    const source = await operator.source('pulled');
    await HUNDRED.write(source, lab.managedRoot);
    await operator.commit(source);
    const clone = join(folder, 'environments/stable');
    const from = `file://${operator.repository}`;
    await run(lab, ['git', 'clone', '--quiet', '--depth=1', '--branch=pulled', from, clone]);
    const argv = ['sh', scriptPath('pull-cycle'), ...applyCommand(folder)];
    return {
      ...(await warm(lab, { folder, argv })),
      async release(text) {
        await release(source, text);
        await operator.commit(source);
      },
    };
  },
};

export const ANSIBLE_PULL: Rival = {
  name: 'ansible-pull, an equal playbook',
  tool: 'ansible-pull',
  async prepare(lab, operator) {
    const folder = await newFolder(lab, 'ansible');
    const source = await operator.source('playbook');
    await playbook(source, lab.managedRoot);
    await operator.commit(source);
    const place = ['--url', `file://${operator.repository}`, '--checkout', 'playbook'];
    const argv = ['ansible-pull', ...place, '--directory', join(folder, 'clone')];
    const contender = { folder, argv: [...argv, '--inventory', 'localhost,', 'local.yml'] };
    return {
      ...(await warm(lab, contender)),
      async check({ output }) {
        // For equal work nothing must be left to change: Puppet has done everything.
        if (!/\bok=\d+ +changed=0 .*failed=0/.test(output))
          throw new Error(`ansible-pull found something to change:\n${output.slice(-2000)}`);
      },
    };
  },
};

/** The first run creates the caches of Puppet and of the tools. */
async function warm(
  lab: Lab,
  { folder, argv }: { readonly folder: string; readonly argv: readonly string[] },
): Promise<Contender> {
  const command = { argv, cwd: folder, environment: lab.environment(USERS.rival) };
  await measure(command, lab);
  return { command };
}

/**
 * Puppet's directories are below the folder, as those of the agent's Puppet are, and the node is
 * the same.
 */
function applyCommand(folder: string): readonly string[] {
  const directories = ['conf', 'var', 'code', 'log', 'run', 'public'];
  return [
    ...['puppet', 'apply', '--environmentpath', join(folder, 'environments')],
    ...['--environment', 'stable', '--certname', certnameOf(HUNDRED.name)],
    ...directories.flatMap((name) => [`--${name}dir`, join(folder, 'puppet', name)]),
    join(folder, 'environments/stable/manifests'),
  ];
}

async function newFolder(lab: Lab, name: string): Promise<string> {
  const folder = join(lab.folder, name);
  await mkdir(join(folder, 'environments'), { recursive: true });
  await mkdir(join(folder, 'puppet'));
  return folder;
}

async function run(lab: Lab, argv: readonly string[]): Promise<void> {
  await measure({ argv, environment: lab.environment(USERS.rival) }, lab);
}

function scriptPath(name: string): string {
  return join(PROJECT, 'bench/rivals', `${name}.sh`);
}

function s3cfg({ server }: Lab): string {
  const { accessKeyId, secretAccessKey } = USERS.rival;
  return `[default]
access_key = ${accessKeyId}
secret_key = ${secretAccessKey}
host_base = 127.0.0.1:${server.port}
host_bucket = 127.0.0.1:${server.port}
bucket_location = ${server.region}
use_https = False
`;
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}
