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
/** The tree in which everything happens. */
export const TREE = 'busy';
/** The one that idle daemons follow: every publication in a tree is something new for all of its hosts. */
export const QUIET_TREE = 'quiet';
/** Packages' own places and no user's: everybody gets the same Puppet. */
export const PATH =
  '/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Who asks the S3 server, so that its log tells them apart. */
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

/** The machine as the parts of the benchmark find it: everything below one folder, an S3 server on loopback. */
export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly stop: AbortSignal;
  readonly server: S3Server;
  readonly programs: Programs;
  readonly noise: Noise;
  /** What all contenders manage, so that there is nothing to change for any of them. */
  readonly managedRoot: string;
  /** For what must have ended before the folder goes. */
  readonly closing: AsyncDisposableStack;
  /** 1, 2, 3 ... */
  nextNumber(): number;
  /** The environment of a user's command, with that user's credentials. */
  environment(user: User): Record<string, string>;
}

/** Copies: a build or an installation that happens meanwhile changes nothing. */
export interface Programs {
  readonly node: string;
  /** As the package's launcher starts it. */
  readonly agent: string;
  /** The unit's command line. */
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
  const launcher = await readFile(join(PROJECT, 'packaging/deb/mm-agent'), 'utf8');
  const text = launcher.replaceAll(`${INSTALLED}/`, `${libexec}/`);
  if (!text.includes(node)) throw new Error(`packaging/deb/mm-agent starts no ${INSTALLED}/node`);
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
