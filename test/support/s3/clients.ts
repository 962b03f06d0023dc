import type { Bucket } from '../../../bucket/bucket.ts';
import { openHostBucket } from '../../../bucket/s3/host/host-bucket.ts';
import { openBucket } from '../../../bucket/s3/sdk/sdk-bucket.ts';
import type { S3Settings } from '../../../bucket/s3/settings.ts';

export type OpenClient = (name: string, settings: S3Settings) => Bucket;

/**
 * What holds for one client must hold for the other. `s3-host.test.ts` says when a host has the
 * light client.
 */
export const S3_CLIENTS: Readonly<Record<string, OpenClient>> = {
  "the operator's client": openBucket,
  "the host's client": openForHost,
};

/** A host does not list: a test lists with the operator's client. */
function openForHost(name: string, settings: S3Settings): Bucket {
  const opened = openHostBucket(name, settings, process.env);
  const lister = openBucket(name, settings);
  return {
    name,
    get: async (...request) => await (await opened).get(...request),
    open: async (...request) => await (await opened).open(...request),
    put: async (...request) => await (await opened).put(...request),
    list: (...request) => lister.list(...request),
    close: () => {
      lister.close();
      void opened.then((bucket) => bucket.close());
    },
  };
}
