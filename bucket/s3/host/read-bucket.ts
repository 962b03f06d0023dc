import type { Bucket, ListedObject } from '../../bucket.ts';
import { LightBucket } from '../light/light-bucket.ts';
import { type ListPage, listQuery, MAX_PAGE_BYTES, parseListPage } from '../light/list-page.ts';
import { openBucket } from '../sdk/sdk-bucket.ts';
import type { S3Settings } from '../settings.ts';
import { lightOptions } from './host-bucket.ts';

/**
 * Opens a bucket for listing and reading many small objects: `get` and `list` use the light client
 * where the settings allow it, which needs a quarter of the CPU. Everything else uses the SDK's
 * client. Throws CONFIG_INVALID.
 */
export async function openReadBucket(
  name: string,
  settings: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<Bucket> {
  const full = await openBucket(name, settings);
  const options = await lightOptions(name, settings, env);
  if (options === undefined) return full;
  const light = new LightBucket(name, options);
  return {
    name,
    get: (key, wanted) => light.get(key, wanted),
    open: (key, wanted) => full.open(key, wanted),
    put: (key, body, wanted) => full.put(key, body, wanted),
    list: (prefix, wanted) => listPages(light, prefix, wanted),
    multipart: full.multipart,
    remove: (key, wanted) => full.remove(key, wanted),
    awsCommand: (words) => full.awsCommand(words),
    close() {
      light.close();
      full.close();
    },
  };
}

async function* listPages(
  light: LightBucket,
  prefix: string,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<ListedObject> {
  let token: string | undefined;
  do {
    const wanted = { ...options, maxBytes: MAX_PAGE_BYTES, parse: parseListPage };
    const page: ListPage = await light.query(prefix, listQuery(prefix, token), wanted);
    yield* page.objects;
    token = page.next;
  } while (token !== undefined);
}
