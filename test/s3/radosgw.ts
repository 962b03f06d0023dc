import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { useProfiles } from '../support/s3/profiles.ts';
import { s3Contract } from './contract.ts';

/**
 * The contract against a real, independent S3 server: Ceph's radosgw from Debian's packages, which
 * the script installs. Needs Debian 12, root and, once, a download of 60 MB; so it runs with
 * `npm run test:s3`, not with `npm test`.
 */
const script = join(import.meta.dirname, '../support/radosgw.sh');
/** The OSD searches free ports in the hundred above the first. */
const PORTS = 110;

let directory: string;
let environment: NodeJS.ProcessEnv;
let profiles: AsyncDisposable | undefined;
let endpoint: string;
let bucket: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-radosgw-'));
  const port = await freePort();
  environment = {
    ...process.env,
    RGW_DIR: join(directory, 'lab'),
    RGW_PORT: `${port}`,
    MON_PORT: `${port + 1}`,
    OSD_PORT_MIN: `${port + 10}`,
  };
  await radosgw('start');
  const exported = parseExports(await radosgw('env'));
  ({ S3_ENDPOINT: endpoint = '', S3_BUCKET: bucket = '' } = exported);
  const owner = credentials(exported, 'PUB');
  profiles = await useProfiles({
    owner,
    machine: credentials(exported, 'MACHINE'),
    reader: credentials(exported, 'READER'),
    'wrong-secret': { ...owner, secretAccessKey: 'no' },
    'unknown-key': { ...owner, accessKeyId: 'NOBODY' },
  });
});

after(async () => {
  await profiles?.[Symbol.asyncDispose]();
  await radosgw('wipe');
  await rm(directory, { recursive: true, force: true });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // The servers run in separate sessions: nothing else ends them.
    spawnSync('bash', [script, 'wipe'], { env: environment });
    process.exit(1);
  });
}

s3Contract('radosgw', () => ({ endpoint, bucket }));

/** The script's output on stdout. When the script fails, throws with its whole output. */
async function radosgw(command: 'start' | 'env' | 'wipe'): Promise<string> {
  const child = spawn('bash', [script, command], { env: environment });
  let printed = '';
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  // Not `close`: the servers that it leaves behind may hold the pipes.
  child.once('error', reject).once('exit', resolve);
  const exitCode = await promise;
  if (exitCode !== 0) throw new Error(`radosgw.sh ${command} ended with ${exitCode}\n${said}`);
  return printed;
}

function parseExports(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function credentials(exported: Readonly<Record<string, string>>, user: string) {
  const { [`${user}_AK`]: accessKeyId = '', [`${user}_SK`]: secretAccessKey = '' } = exported;
  return { accessKeyId, secretAccessKey };
}

/** A port that is free now, with room above it. */
async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Math.min(port, 65_535 - PORTS);
}
