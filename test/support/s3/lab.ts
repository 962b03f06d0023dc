import { after, afterEach, before, test } from 'node:test';
import type { Bucket } from '../../../bucket/bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { type OpenClient, S3_CLIENTS } from './clients.ts';
import { adminPolicy } from './policy.ts';
import { useProfiles } from './profiles.ts';
import { type S3Server, startS3Server } from './server.ts';

const ADMIN = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };

/** A bucket `fleet` on loopback for the tests of one file. Each test runs with both clients. */
export class S3Lab {
  #server: S3Server | undefined;
  #openClient: OpenClient | undefined;
  readonly #opened: Bucket[] = [];

  constructor(objects: Readonly<Record<string, Buffer>>) {
    let profiles: AsyncDisposable;
    before(async () => {
      profiles = await useProfiles({ default: ADMIN });
      this.#server = await startS3Server({
        users: [{ ...ADMIN, policy: adminPolicy }],
        buckets: ['fleet'],
      });
      for (const [key, body] of Object.entries(objects)) this.#server.put('fleet', key, body);
    });
    afterEach(() => {
      for (const bucket of this.#opened.splice(0)) bucket.close();
      this.server.faults.clear();
      this.server.requests.length = 0;
      this.server.dateOffsetMs = 0;
    });
    after(async () => {
      await this.server.close();
      await profiles[Symbol.asyncDispose]();
    });
  }

  get server(): S3Server {
    return this.#server!;
  }

  test(claim: string, body: () => Promise<void>): void {
    for (const [client, open] of Object.entries(S3_CLIENTS)) {
      test(`${client}: ${claim}`, { timeout: 300_000 }, async () => {
        this.#openClient = open;
        await body();
      });
    }
  }

  /** By the client of the test under way. */
  open(settings: object = {}): Bucket {
    const { endpoint, region } = this.server;
    const parsed = S3Settings.parse({ endpoint, region, ...settings });
    const bucket = this.#openClient!('fleet', parsed);
    this.#opened.push(bucket);
    return bucket;
  }

  /** The HTTP statuses of the requests so far. */
  drainStatuses(): (number | undefined)[] {
    return this.server.requests.splice(0).map(({ status }) => status);
  }
}
