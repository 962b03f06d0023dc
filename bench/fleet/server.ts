import { hostStatusKey } from '../../bucket/layout.ts';
import { reporterPolicy } from '../../test/support/s3/policy.ts';
import { startS3Server } from '../../test/support/s3/server.ts';
import { madeStatus } from './statuses.ts';

/** The second process of `npm run bench -- fleet`: the S3 server on loopback, and its hosts. */

export const PLACE = { bucket: 'fleet.example.com', tree: 'ubuntu' } as const;
export const REPORTER = { accessKeyId: 'FLEETREPORTER0000000', secretAccessKey: 'fleet-reporter' };

/** A round in which every n-th host reports something else. */
export interface Told {
  readonly round: number;
  /** 0: no host. */
  readonly every: number;
  /** What else is written, by key. */
  readonly objects: Readonly<Record<string, string>>;
}

export type Said =
  | { readonly endpoint: string; readonly region: string; readonly now: number }
  | { readonly round: number; readonly requests: number };

async function serve(hosts: number): Promise<void> {
  const server = await startS3Server({
    buckets: [PLACE.bucket],
    users: [{ ...REPORTER, policy: reporterPolicy(PLACE) }],
  });
  const say = (said: Said): void => void process.send?.(said);
  const now = Date.now();
  const report = (round: number, every: number): void => {
    for (let number = 0; number < hosts; number += every) {
      const { certname, status, receivedAt } = madeStatus(number, round, now);
      server.dateOffsetMs = receivedAt - Date.now();
      server.put(PLACE.bucket, hostStatusKey(PLACE.tree, certname), `${JSON.stringify(status)}\n`);
    }
    server.dateOffsetMs = 0;
  };
  // The log of 100,000 requests is large: only their number is kept.
  let requests = 0;
  const count = (): void => {
    requests += server.requests.splice(0).length;
  };
  setInterval(count, 200).unref();
  process.on('message', ({ round, every, objects }: Told) => {
    count();
    for (const [key, body] of Object.entries(objects)) server.put(PLACE.bucket, key, body);
    if (every > 0) report(round, every);
    say({ round, requests });
    requests = 0;
  });
  process.once('disconnect', () => void server.close());
  report(0, 1);
  say({ endpoint: server.endpoint, region: server.region, now });
}

if (import.meta.main) await serve(Number(process.argv[2]));
