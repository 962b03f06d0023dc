import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hostPaths } from '../../agent/paths.ts';
import { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { blobKey, hostFactsKey, hostStatusKey, metadataKey } from '../../bucket/layout.ts';
import { builtProgram } from './built-program.ts';
import { machinePolicy, type Policy } from './s3/policy.ts';
import { startS3Server } from './s3/server.ts';
import { tarArchive } from './tar-writer.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { type ReleaseChange, TufSimulator } from './tuf/simulator.ts';

export const BUCKET = 'fleet.example.com';
export const TREE = 'ubuntu';
export const CERTNAME = 'web1.example.com';
const USER = { accessKeyId: 'LABMACHINE0000000001', secretAccessKey: 'lab-machine-secret' };

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** `GET timestamp.json 304`, in order. */
  readonly requests: readonly string[];
}

/**
 * A host in a temporary folder, its bucket on loopback, and an honest publisher. The agent is a
 * real process, with the rights of a machine or with those of `policy`.
 */
export async function agentLab(
  t: TestContext,
  policy: Policy = machinePolicy({ bucket: BUCKET, tree: TREE }),
) {
  const root = await temporaryDirectory(t);
  const server = await startS3Server({
    buckets: [BUCKET],
    users: [{ ...USER, policy }],
  });
  t.after(() => server.close());
  const simulator = new TufSimulator();
  const paths = hostPaths({ platform: 'linux', root });
  const lab = {
    /** The command that starts an agent. */
    command: await builtProgram('mm-agent'),
    root,
    paths,
    /** The keys of the host in the bucket. */
    user: USER,
    server,
    simulator,

    /** Writes agent.yaml: what every host has, and the lines of a test. */
    async configure(extra = ''): Promise<void> {
      await mkdir(paths.configDirectory, { recursive: true });
      await writeFile(paths.trustRoot, simulator.files.get('1.root.json')!);
      await writeFile(
        paths.configFile,
        `bucket: ${BUCKET}\ntree: ${TREE}\ncertname: ${CERTNAME}\ns3: { endpoint: '${server.endpoint}', region: us-east-1, max_attempts: 1, request_timeout: 5m }\n${extra}`,
      );
    },

    /**
     * Writes a puppet that runs a shell script and reports that nothing changed. The real one takes
     * seconds.
     */
    async fakePuppet(script = ''): Promise<string> {
      const path = join(root, 'fake-puppet');
      await writeFile(
        path,
        `#!/bin/sh
[ "$1" = --version ] && { echo 7.23.0; exit 0; }
${script}
while [ $# -gt 0 ]; do [ "$1" = --lastrunreport ] && report=$2; shift; done
echo "{\\"time\\":\\"$(date -u +%FT%TZ)\\",\\"status\\":\\"unchanged\\"}" > "$report"
`,
      );
      await chmod(path, 0o755);
      return path;
    },

    publish(
      version: string,
      files: Readonly<Record<string, string>>,
      change: ReleaseChange = {},
    ): void {
      const entries = Object.entries(files).map(([path, content]) => ({ path, content }));
      simulator.publish('stable', version, { bytes: gzipSync(tarArchive(entries)), ...change });
      lab.sync();
    },

    /** Copies everything that the publisher has into the bucket. */
    sync(): void {
      for (const [digest, bytes] of simulator.blobs)
        server.put(BUCKET, blobKey(TREE, digest), bytes);
      for (const [file, bytes] of simulator.files)
        server.put(BUCKET, metadataKey(TREE, file), bytes);
    },

    /** Makes the lock of a killed agent so old that it is stale. */
    async letLockGoStale(): Promise<void> {
      const longAgo = new Date(Date.now() - 60_000);
      await utimes(paths.lock, longAgo, longAgo).catch(() => undefined);
    },

    start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
      const [path = '', ...words] = lab.command;
      const child = spawn(path, [...words, ...argv, '--root', root], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: root,
          AWS_ACCESS_KEY_ID: USER.accessKeyId,
          AWS_SECRET_ACCESS_KEY: USER.secretAccessKey,
          ...env,
        },
      });
      // A daemon whose test has failed would keep the test's process alive.
      t.after(() => child.kill('SIGKILL'));
      return child;
    },

    async run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
      return await lab.end(lab.start(argv, env));
    },

    async once(...argv: string[]): Promise<Ended> {
      return await lab.run(['--once', ...argv]);
    },

    async end(child: ChildProcess): Promise<Ended> {
      server.requests.length = 0;
      const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      const requests = server.requests.map(
        ({ method, key, status }) => `${method} ${key.replace(/^.*\//, '')} ${status}`,
      );
      return { code, signal, stdout: stdout(), stderr: stderr(), requests };
    },

    /** The status that is in the bucket. */
    status(): StatusDocument {
      const bytes = server.get(BUCKET, hostStatusKey(TREE, CERTNAME));
      if (bytes === undefined) throw new Error('no status in the bucket');
      return StatusDocument.parse(JSON.parse(bytes.toString()));
    },

    facts(): FactsDocument {
      const bytes = server.get(BUCKET, hostFactsKey(TREE, CERTNAME));
      if (bytes === undefined) throw new Error('no facts in the bucket');
      return FactsDocument.parse(JSON.parse(bytes.toString()));
    },

    /** The status from the host's own disk, as `mm-agent status` shows it. */
    async localStatus(): Promise<StatusDocument> {
      const state = JSON.parse(await readFile(paths.stateFile, 'utf8')) as { status: unknown };
      return StatusDocument.parse(state.status);
    },
  };
  await lab.configure();
  return lab;
}

export type AgentLab = Awaited<ReturnType<typeof agentLab>>;

/** A manifest that writes `content` to `path`. */
export function manifestWriting(path: string, content: string): Record<string, string> {
  return { 'manifests/site.pp': `file { '${path}': ensure => file, content => '${content}' }\n` };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
