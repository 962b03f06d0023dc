import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { PolicyDocument } from '../../operator/commands/policy/documents.ts';
import { adminPolicy } from '../support/s3/policy.ts';
import { type Credentials, useProfiles } from '../support/s3/profiles.ts';
import { agentContract } from './agent-contract.ts';
import { bucketContract } from './bucket-contract.ts';
import { checkContract } from './check-contract.ts';
import { s3Contract } from './contract.ts';
import { foreignContract } from './foreign-contract.ts';
import { policyContract } from './policy-contract.ts';
import { HOST, maintainerPolicy, printedPolicies } from './policy-users.ts';

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
let exported: Readonly<Record<string, string>>;

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
  exported = parseExports(await radosgw('env'));
  ({ S3_ENDPOINT: endpoint = '', S3_BUCKET: bucket = '' } = exported);
  const policies = await printedPolicies(bucket);
  const maintainer = maintainerPolicy(policies);
  const printed = Object.entries({ ...policies, maintainer });
  for (const [user, policy] of printed) await setPolicy(user, policy);
  // On Ceph not even the owner of a bucket may read what another user wrote there.
  await setPolicy('owner', { Version: '2012-10-17', Statement: adminPolicy });
  const users = printed.map(([user]) => [user, credentials(user)] as const);
  const owner = credentials('owner');
  profiles = await useProfiles({
    owner,
    ...Object.fromEntries(users),
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

const target = () => ({ endpoint, bucket });
s3Contract('radosgw', target);
policyContract('radosgw', target);
agentContract('radosgw', target);
bucketContract('radosgw', target);
checkContract('radosgw', target);
foreignContract('radosgw', target, credentials);

/**
 * Gives a user the policy that was printed. Ceph 16 has no tags of users: the name of the host
 * stands where AWS would put the tag.
 */
async function setPolicy(user: string, policy: PolicyDocument): Promise<void> {
  const file = join(directory, `${user}.json`);
  const text = JSON.stringify(policy);
  await writeFile(file, text.replace(/\$\{aws:PrincipalTag\/[^}]+\}/g, HOST));
  await radosgw('policy', user, file);
}

/** The script's output on stdout. When the script fails, throws with its whole output. */
async function radosgw(
  command: 'start' | 'env' | 'policy' | 'wipe',
  ...args: string[]
): Promise<string> {
  const child = spawn('bash', [script, command, ...args], { env: environment });
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

function credentials(user: string): Credentials {
  const name = user.toUpperCase();
  const { [`${name}_AK`]: accessKeyId = '', [`${name}_SK`]: secretAccessKey = '' } = exported;
  return { accessKeyId, secretAccessKey };
}

/**
 * A port that is free now, as is the one above it. Linux gives ports from 32768 on to connections,
 * of which tests that run beside this one have many.
 */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_768 - PORTS);
  const servers = [port, port + 1].map((each) => createServer().listen(each, '127.0.0.1'));
  const isFree = await Promise.all(servers.map((server) => once(server, 'listening'))).then(
    () => true,
    () => false,
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return isFree ? port : await freePort();
}
