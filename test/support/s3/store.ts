import { createHash } from 'node:crypto';
import { S3Refusal } from './reply.ts';

export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  /** With quotes, as S3 gives it. */
  readonly etag: string;
  readonly lastModified: Date;
  /** content-type, cache-control, x-amz-meta-*: given back as they came. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly maxKeys: number;
}

export interface ListPage {
  readonly objects: readonly StoredObject[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page goes on; undefined on the last one. */
  readonly next: string | undefined;
}

interface StoredBucket {
  readonly objects: Map<string, StoredObject>;
  /** Keys in order; undefined since a key was added or removed. */
  sorted: readonly string[] | undefined;
}

/**
 * Buckets in memory. Every method runs to its end before the next request is looked at: writes are
 * atomic.
 */
export class S3Store {
  readonly #buckets = new Map<string, StoredBucket>();

  createBucket(name: string): void {
    if (!this.#buckets.has(name))
      this.#buckets.set(name, { objects: new Map(), sorted: undefined });
  }

  has(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  find(bucket: string, key: string): StoredObject | undefined {
    return this.#bucket(bucket).objects.get(key);
  }

  put(bucket: string, object: Omit<StoredObject, 'etag'>): StoredObject {
    const stored = this.#bucket(bucket);
    const etag = `"${createHash('md5').update(object.body).digest('hex')}"`;
    const complete = { ...object, etag };
    if (!stored.objects.has(object.key)) stored.sorted = undefined;
    stored.objects.set(object.key, complete);
    return complete;
  }

  delete(bucket: string, key: string): void {
    const stored = this.#bucket(bucket);
    if (stored.objects.delete(key)) stored.sorted = undefined;
  }

  keys(bucket: string): readonly string[] {
    const stored = this.#bucket(bucket);
    stored.sorted ??= [...stored.objects.keys()].sort();
    return stored.sorted;
  }

  list(bucket: string, { prefix, delimiter, after, maxKeys }: ListQuery): ListPage {
    const keys = this.keys(bucket);
    const objects: StoredObject[] = [];
    const commonPrefixes: string[] = [];
    let last = '';
    for (let at = firstAfter(keys, after, prefix); at < keys.length; at += 1) {
      const key = keys[at]!;
      if (!key.startsWith(prefix)) break;
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const group = end < 0 ? undefined : key.slice(0, end + delimiter.length);
      // Only the name of a group counts, once, also when it was the last item of the previous page.
      if (group !== undefined && (group === commonPrefixes.at(-1) || group === after)) continue;
      if (objects.length + commonPrefixes.length >= maxKeys)
        return { objects, commonPrefixes, next: last };
      if (group === undefined) objects.push(this.find(bucket, key)!);
      else commonPrefixes.push(group);
      last = group ?? key;
    }
    return { objects, commonPrefixes, next: undefined };
  }

  requireBucket(name: string): void {
    this.#bucket(name);
  }

  #bucket(name: string): StoredBucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new S3Refusal(404, 'NoSuchBucket', { BucketName: name });
    return bucket;
  }
}

/** Index of the first key that is after `after` and not before `prefix`. */
function firstAfter(keys: readonly string[], after: string, prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle]!;
    if (key <= after || key < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
