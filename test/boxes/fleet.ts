import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { hostFactsKey, hostStatusKey } from '../../bucket/layout.ts';
import { machinePolicy, publisherPolicy } from '../support/s3/policy.ts';
import { type S3Server, startS3Server } from '../support/s3/server.ts';

const run = promisify(execFile);

const BUCKET = 'masterless-puppet.example.com';
const TREE = 'ubuntu';
const CERTNAME = 'box.example.com';
/** No run of the schedule happens in a test. */
const RARELY = '0 0 1 1 *';
const user = (name: string) => ({
  accessKeyId: name.toUpperCase().padEnd(20, '0'),
  secretAccessKey: name.padEnd(40, '0'),
});
const publisher = user('publisher');
const machine = user('machine');

/** An S3 server, an operator with the real `mm`, and the settings for its host. */
export interface Fleet extends AsyncDisposable {
  readonly server: S3Server;
  /** By the path on the host. */
  readonly hostFiles: Readonly<Record<string, string>>;
  readonly rootFile: string;
  /** An `agent.yaml` for `--agent-config`. */
  readonly agentConfigFile: string;
  /** Runs mm and returns what it printed on stdout. */
  mm(...argv: string[]): Promise<string>;
  /** The path of a package of the site, made by `mm package site`. */
  sitePackage(format: 'deb' | 'rpm'): Promise<string>;
  /** Publishes an environment of that one manifest. */
  publish(manifest: string): Promise<void>;
  /** What the host wrote to the bucket; undefined before it did. */
  status(): StatusDocument | undefined;
  facts(): FactsDocument | undefined;
}

/** `program` is the bundle of mm; all files are below `directory`. */
export async function startFleet(directory: string, program: string): Promise<Fleet> {
  const place = { bucket: BUCKET, tree: TREE };
  const server = await startS3Server({
    buckets: [BUCKET],
    users: [
      { ...publisher, policy: publisherPolicy(place) },
      { ...machine, policy: machinePolicy(place) },
    ],
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.close());
  const repository = join(directory, 'control-repo');
  await mkdir(join(repository, 'manifests'), { recursive: true });
  const work = operator(repository, directory, program);
  await work.git('init', '--quiet', '--initial-branch=main');
  const where = [`--bucket=${BUCKET}`, `--tree=${TREE}`, `--endpoint=${server.endpoint}`];
  await work.mm('init', ...where, '--environment=stable=main');
  const stored = (key: string): unknown => {
    const bytes = server.get(BUCKET, key);
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  };
  const agentConfig = `bucket: ${BUCKET}\ntree: ${TREE}\ncertname: ${CERTNAME}\ns3: { endpoint: '${server.endpoint}', region: us-east-1 }\nschedule: { apply: '${RARELY}' }\n`;
  const agentConfigFile = join(directory, 'agent.yaml');
  await writeFile(agentConfigFile, agentConfig);
  const mm = async (...argv: string[]) => (await work.mm(...argv)).stdout;
  const opened = stack.move();
  return {
    server,
    rootFile: join(repository, `${TREE}.root.json`),
    hostFiles: {
      '/etc/miyamoto/agent.yaml': agentConfig,
      '/root/.aws/credentials': `[default]\naws_access_key_id = ${machine.accessKeyId}\naws_secret_access_key = ${machine.secretAccessKey}\n`,
    },
    agentConfigFile,
    mm,
    async sitePackage(format) {
      const words = [`--agent-config=${agentConfigFile}`, `--format=${format}`];
      const stdout = await mm('package', 'site', ...words, `--output=${directory}`);
      return stdout.slice(0, stdout.indexOf('\n'));
    },
    publish: async (manifest) => {
      await writeFile(join(repository, 'manifests/site.pp'), manifest);
      await work.git('add', 'manifests');
      await work.git('commit', '--quiet', '--message', 'change');
      await work.mm('publish', 'stable');
    },
    status: () => StatusDocument.optional().parse(stored(hostStatusKey(TREE, CERTNAME))),
    facts: () => FactsDocument.optional().parse(stored(hostFactsKey(TREE, CERTNAME))),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function operator(cwd: string, home: string, mm: string) {
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: publisher.accessKeyId,
    AWS_SECRET_ACCESS_KEY: publisher.secretAccessKey,
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
  };
  return {
    mm: (...argv: string[]) => run(process.execPath, [mm, ...argv], { cwd, env }),
    git: (...argv: string[]) => run('git', argv, { cwd, env }),
  };
}
