import { gzipSync } from 'node:zlib';
import { blobKey, metadataKey } from '../bucket/layout.ts';
import { machinePolicy } from '../test/support/s3/policy.ts';
import { type RequestLog, startS3Server } from '../test/support/s3/server.ts';
import { tarArchive } from '../test/support/tar-writer.ts';
import { TufSimulator } from '../test/support/tuf/simulator.ts';

/**
 * The second process of the load test: the S3 server on loopback, and the publisher. Messages
 * control it. It reports regularly which requests arrived since its last report.
 */

export const PLACE = { bucket: 'load.example.com', tree: 'ubuntu' } as const;
export const ENVIRONMENT = 'stable';

export type Told =
  | { readonly publish: string }
  | { readonly sayEveryMs: number }
  | { readonly end: true };

export type Said =
  | { readonly ready: { readonly endpoint: string; readonly root: string } }
  | { readonly published: string }
  | { readonly asked: Asked };

export interface Asked {
  /** The period that this is about, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** GETs of timestamp.json. */
  readonly polls: number;
  readonly others: number;
  /** Requests that ended with an unexpected error. */
  readonly errors: readonly string[];
}

interface User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export async function serve(user: User): Promise<void> {
  const server = await startS3Server({
    buckets: [PLACE.bucket],
    users: [{ ...user, policy: machinePolicy(PLACE) }],
  });
  const simulator = new TufSimulator();
  simulator.now = Date.now();
  const publish = (version: string): void => {
    const manifest = `# release ${version}\nnode default {}\n`;
    const bytes = gzipSync(tarArchive([{ path: 'manifests/site.pp', content: manifest }]));
    simulator.publish(ENVIRONMENT, version, { bytes });
    for (const [digest, blob] of simulator.blobs)
      server.put(PLACE.bucket, blobKey(PLACE.tree, digest), blob);
    for (const [file, content] of simulator.files)
      server.put(PLACE.bucket, metadataKey(PLACE.tree, file), content);
    say({ published: version });
  };
  let from = Date.now();
  const sayAsked = (): void => {
    const to = Date.now();
    say({ asked: { from, to, ...asked(server.requests.splice(0)) } });
    from = to;
  };
  let timer: NodeJS.Timeout | undefined;
  process.on('message', (told: Told) => {
    if ('publish' in told) return publish(told.publish);
    clearInterval(timer);
    sayAsked();
    if ('sayEveryMs' in told) timer = setInterval(sayAsked, told.sayEveryMs);
    else void server.close().then(() => process.disconnect());
  });
  const root = simulator.files.get('1.root.json')?.toString('base64') ?? '';
  say({ ready: { endpoint: server.endpoint, root } });
}

function say(message: Said): void {
  process.send?.(message);
}

function asked(requests: readonly RequestLog[]): Omit<Asked, 'from' | 'to'> {
  const polls = requests.filter(({ key }) => key.endsWith('/timestamp.json')).length;
  return {
    polls,
    others: requests.length - polls,
    errors: requests
      .filter(isError)
      .map(({ method, key, status }) => `${method} ${key}: ${status || 'no answer yet'}`),
  };
}

/**
 * A user who may not list gets 403 for the next root, which does not exist yet. A request without
 * an answer yet is no error.
 */
function isError({ status, key }: RequestLog): boolean {
  return status >= 400 && !(status === 403 && /\/\d+\.root\.json$/.test(key));
}

if (import.meta.main) {
  const [, , accessKeyId = '', secretAccessKey = ''] = process.argv;
  await serve({ accessKeyId, secretAccessKey });
}
