import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hostPaths } from '../../agent/paths.ts';
import { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { hostFactsKey } from '../../bucket/layout.ts';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import { builtProgram } from '../support/built-program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import type { ContractTarget } from './contract.ts';
import { HOST, type PolicyUser } from './policy-users.ts';

const TREE = 'ubuntu';

/**
 * Under the printed policies, and with nothing more, both programs work from end to end: real
 * processes, real Puppet. `target` has the profiles of the policy contract.
 */
export function agentContract(server: string, target: () => ContractTarget): void {
  test(`policy, ${server}: init, publish, the agent and status work under the printed policies`, async (t) => {
    const directory = await temporaryDirectory(t);
    const repository = await makeRepository(directory);
    const { endpoint, bucket } = target();
    const program = await builtProgram('mm');
    const mm = (user: PolicyUser, ...args: string[]) =>
      run(repository, user, [...program, ...args]);
    const place = ['--bucket', bucket, '--tree', TREE, '--id', 'acme/ubuntu'];
    const keys = ['--keys', join(directory, 'keys')];
    const at = ['--endpoint', endpoint, '--region', 'us-east-1', '--environment', 'stable=main'];
    await mm('publisher', 'init', ...place, ...at, ...keys, '--no-passphrase');
    await mm('publisher', 'publish', 'stable', ...keys, '--no-validate');
    for (const user of ['machine', 'host'] as const) {
      const root = join(directory, user);
      await installHost(root, {
        ...target(),
        user,
        trustRoot: join(repository, `${TREE}.root.json`),
      });
      await run(root, user, [...(await builtProgram('mm-agent')), '--once', '--root', root]);
      const status = JSON.parse(await mm('reader', 'status', HOST, '--json')) as unknown;
      const { groups, release, run: puppetRun } = StatusDocument.parse(status);
      assert.deepEqual(groups, [user], 'the status of this run');
      assert.equal(release?.version, '0.1.0');
      assert.equal(puppetRun?.status, 'changed');
      const facts = await readAs('reader', target(), hostFactsKey(TREE, HOST));
      assert.equal(FactsDocument.parse(JSON.parse(facts)).certname, HOST);
    }
    await assert.rejects(mm('reader', 'status', 'web7.example.com', '--json'), {
      stdout: /S3_NOT_FOUND/,
    });
  });
}

async function makeRepository(directory: string): Promise<string> {
  const repository = join(directory, 'control-repo');
  await mkdir(join(repository, 'manifests'), { recursive: true });
  await writeFile(join(repository, 'manifests/site.pp'), "notify { 'hello': }\n");
  await writeFile(join(repository, '.gitignore'), 'miyamoto.yaml\n*.root.json\n.miyamoto/\n');
  const git = (...args: string[]) => run(repository, undefined, ['git', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  const by = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com'];
  await git(...by, 'commit', '--quiet', '--message', 'first');
  return repository;
}

async function installHost(
  root: string,
  { endpoint, bucket, user, trustRoot }: ContractTarget & { user: string; trustRoot: string },
): Promise<void> {
  const paths = hostPaths({ platform: 'linux', root });
  await mkdir(paths.configDirectory, { recursive: true });
  await copyFile(trustRoot, paths.trustRoot);
  await writeFile(
    paths.configFile,
    `bucket: ${bucket}
tree: ${TREE}
certname: ${HOST}
groups: [${user}]
s3: { endpoint: '${endpoint}', region: us-east-1 }
`,
  );
}

/** Runs a program with the credentials of a user. Returns stdout; rejects with it, too. */
async function run(
  cwd: string,
  user: PolicyUser | undefined,
  [program = '', ...args]: readonly string[],
): Promise<string> {
  const env = { ...process.env, ...(user !== undefined && { AWS_PROFILE: user }) };
  const { stdout } = await promisify(execFile)(program, args, { cwd, env });
  return stdout;
}

async function readAs(profile: PolicyUser, target: ContractTarget, key: string): Promise<string> {
  const settings = { endpoint: target.endpoint, region: 'us-east-1', profile };
  const bucket = await openBucket(target.bucket, S3Settings.parse(settings));
  try {
    const answer = await bucket.get(key, { maxBytes: 2 ** 20 });
    return answer.kind === 'object' ? answer.bytes.toString() : '';
  } finally {
    bucket.close();
  }
}
