import { constants } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminPolicy, machinePolicy, publisherPolicy } from '../test/support/s3/policy.ts';
import { type S3Server, startS3Server } from '../test/support/s3/server.ts';
import { serviceCommand } from '../test/support/service-command.ts';
import { Noise } from './noise.ts';

export const PROJECT = join(import.meta.dirname, '..');
export const BUCKET = 'bench.example.com';
/** The tree that is published to and measured. */
export const TREE = 'busy';
/** The tree of the idle daemons: each publication in a tree is news for all of its hosts. */
export const QUIET_TREE = 'quiet';
/** Only the directories of packages: all contenders get the same Puppet. */
export const PATH =
  '/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The S3 users, so that the server's log distinguishes them. */
export const USERS = {
  publisher: newUser('publisher'),
  machine: newUser('machine'),
  /** The daemon that polls every minute. */
  poller: newUser('poller'),
  /** The daemon that only keeps time. */
  keeper: newUser('keeper'),
  rival: newUser('rival'),
} as const;
export type User = (typeof USERS)[keyof typeof USERS];

/** What the parts of the benchmark share: one folder, and an S3 server on loopback. */
export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly stop: AbortSignal;
  readonly server: S3Server;
  readonly programs: Programs;
  readonly noise: Noise;
  /** What all contenders manage, so that none of them finds something to change. */
  readonly managedRoot: string;
  /** What must have ended before the folder is removed. */
  readonly closing: AsyncDisposableStack;
  /** 1, 2, 3 ... */
  nextNumber(): number;
  /** The environment variables of a command, with the credentials of that user. */
  environment(user: User): Record<string, string>;
}

/** Copies, so that a build or an installation during the benchmark changes nothing. */
export interface Programs {
  readonly node: string;
  /** Starts the agent as the package's launcher does. */
  readonly agent: string;
  /** The command line of the systemd unit. */
  readonly daemon: readonly [string, ...string[]];
  readonly operator: readonly [string, string];
}

export async function openLab(stop: AbortSignal): Promise<Lab> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'miyamoto-bench-')));
  const server = await startS3Server({ buckets: [BUCKET], users: users() });
  const home = join(folder, 'home');
  await mkdir(home);
  const closing = new AsyncDisposableStack();
  let number = 0;
  return {
    folder,
    stop,
    server,
    programs: await installPrograms(join(folder, 'libexec')),
    noise: new Noise(),
    closing,
    managedRoot: join(folder, 'managed'),
    nextNumber: () => ++number,
    environment: ({ accessKeyId, secretAccessKey }) => ({
      PATH,
      HOME: home,
      LANG: 'C.UTF-8',
      AWS_REGION: server.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }),
    async [Symbol.asyncDispose]() {
      await closing.disposeAsync();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function users() {
  const busy = { bucket: BUCKET, tree: TREE };
  const quiet = { bucket: BUCKET, tree: QUIET_TREE };
  return [
    { ...USERS.publisher, policy: [...publisherPolicy(busy), ...publisherPolicy(quiet)] },
    { ...USERS.machine, policy: machinePolicy(busy) },
    { ...USERS.poller, policy: machinePolicy(quiet) },
    { ...USERS.keeper, policy: machinePolicy(quiet) },
    { ...USERS.rival, policy: adminPolicy },
  ];
}

const INSTALLED = '/usr/libexec/miyamoto';

async function installPrograms(libexec: string): Promise<Programs> {
  const filter = (path: string): boolean => !path.endsWith('.json');
  await cp(join(PROJECT, 'dist'), libexec, { recursive: true, filter });
  const node = join(libexec, 'node');
  await copyFile(process.execPath, node, constants.COPYFILE_FICLONE);
  const launcher = await readFile(join(PROJECT, 'packaging/contents/mm-agent'), 'utf8');
  const text = launcher.replaceAll(`${INSTALLED}/`, `${libexec}/`);
  if (!text.includes(node))
    throw new Error(`packaging/contents/mm-agent starts no ${INSTALLED}/node`);
  const agent = join(libexec, 'mm-agent');
  await writeFile(agent, text, { mode: 0o755 });
  return {
    node,
    agent,
    daemon: await serviceCommand(libexec),
    operator: [node, join(libexec, 'mm.mjs')],
  };
}

function newUser(name: string) {
  return {
    accessKeyId: `BENCH${name.toUpperCase()}`.padEnd(20, '0'),
    secretAccessKey: `secret-of-the-${name}`.padEnd(40, '0'),
  };
}
