import type { Bucket, HostBucket } from '../../../bucket/bucket.ts';
import { FileContent } from '../../../bucket/file-content.ts';
import { openHostBucket } from '../../../bucket/s3/host/host-bucket.ts';
import { openBucket } from '../../../bucket/s3/sdk/sdk-bucket.ts';
import type { S3Settings } from '../../../bucket/s3/settings.ts';

export type OpenClient = (name: string, settings: S3Settings) => Bucket;

/** Opens a bucket by the credentials of a profile. Without `bucket`, the one of the tests. */
type Open = (profile: string, bucket?: string) => Bucket;
/** Registers a test of one client. */
export type Contract = (claim: string, body: (open: Open) => Promise<void>) => void;

/**
 * What holds for one client must hold for the other. `s3-host.test.ts` says when a host has the
 * light client.
 */
export const S3_CLIENTS: Readonly<Record<string, OpenClient>> = {
  "the operator's client": (name, settings) => {
    const opened = openBucket(name, settings);
    return lateBucket(name, opened, opened);
  },
  /** A host neither lists nor removes: a test does so with the operator's client. */
  "the host's client": (name, settings) =>
    lateBucket(name, openHostBucket(name, settings, process.env), openBucket(name, settings)),
};

/** A bucket that is being opened: the first request says what went wrong. */
function lateBucket(name: string, opened: Promise<HostBucket>, lister: Promise<Bucket>): Bucket {
  const all = [opened, lister];
  for (const bucket of all) bucket.catch(() => {});
  return {
    name,
    get: async (...request) => await (await opened).get(...request),
    open: async (...request) => await (await opened).open(...request),
    put: async (key, body, options) =>
      body instanceof FileContent
        ? await (await lister).put(key, body, options)
        : await (await opened).put(key, body, options),
    async *list(...request) {
      yield* (await lister).list(...request);
    },
    multipart: {
      create: async (...request) => await (await lister).multipart.create(...request),
      parts: async (upload) => await (await lister).multipart.parts(upload),
      putPart: async (...request) => await (await lister).multipart.putPart(...request),
      complete: async (...request) => await (await lister).multipart.complete(...request),
      abort: async (upload) => await (await lister).multipart.abort(upload),
    },
    remove: async (key) => await (await lister).remove(key),
    awsCommand: (words) => `aws ${words}`,
    close: () => {
      for (const bucket of all)
        void bucket.then(
          (done) => done.close(),
          () => {},
        );
    },
  };
}
