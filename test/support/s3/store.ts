import { createHash, randomBytes } from 'node:crypto';
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

/** A version of an object, or a delete marker, in a bucket with versioning. */
export interface StoredVersion {
  readonly key: string;
  readonly versionId: string;
  /** Undefined for a delete marker. */
  readonly object: StoredObject | undefined;
}

interface StoredBucket {
  /** The current versions. */
  readonly objects: Map<string, StoredObject>;
  /** Oldest first. Empty without versioning. */
  versions: StoredVersion[];
  /** The bodies of `?versioning`, `?lifecycle` and so on, as they came. */
  readonly settings: Map<string, Buffer>;
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
    if (this.#buckets.has(name)) return;
    const empty = { objects: new Map(), versions: [], settings: new Map(), sorted: undefined };
    this.#buckets.set(name, empty);
  }

  has(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  find(bucket: string, key: string): StoredObject | undefined {
    return this.#bucket(bucket).objects.get(key);
  }

  /** `versionId` is undefined without versioning. */
  put(
    bucket: string,
    object: Omit<StoredObject, 'etag'>,
  ): StoredObject & { readonly versionId: string | undefined } {
    const stored = this.#bucket(bucket);
    const etag = `"${createHash('md5').update(object.body).digest('hex')}"`;
    const complete = { ...object, etag };
    const versionId = addVersion(stored, object.key, complete);
    if (!stored.objects.has(object.key)) stored.sorted = undefined;
    stored.objects.set(object.key, complete);
    return { ...complete, versionId };
  }

  /** Returns the id of the delete marker; undefined without versioning. */
  delete(bucket: string, key: string): string | undefined {
    const stored = this.#bucket(bucket);
    const versionId = addVersion(stored, key, undefined);
    if (stored.objects.delete(key)) stored.sorted = undefined;
    return versionId;
  }

  /** Removes a version or a delete marker for good. The one before it becomes the current one. */
  deleteVersion(bucket: string, key: string, versionId: string): void {
    const stored = this.#bucket(bucket);
    const isIt = (each: StoredVersion) => each.key === key && each.versionId === versionId;
    stored.versions = stored.versions.filter((each) => !isIt(each));
    const current = stored.versions.findLast((each) => each.key === key)?.object;
    if (current === undefined) stored.objects.delete(key);
    else stored.objects.set(key, current);
    stored.sorted = undefined;
  }

  versions(bucket: string): readonly StoredVersion[] {
    return this.#bucket(bucket).versions;
  }

  isVersioned(bucket: string): boolean {
    const stored = this.#buckets.get(bucket);
    return stored !== undefined && isVersioned(stored);
  }

  settings(bucket: string): Map<string, Buffer> {
    return this.#bucket(bucket).settings;
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

function isVersioned({ settings }: Pick<StoredBucket, 'settings'>): boolean {
  return /<Status>Enabled</.test(String(settings.get('versioning')));
}

/** Returns its id; undefined without versioning. */
function addVersion(
  { versions, settings, objects }: StoredBucket,
  key: string,
  object: StoredObject | undefined,
): string | undefined {
  if (!isVersioned({ settings })) return undefined;
  const before = objects.get(key);
  // As S3 does it: what is older than the versioning has the version `null`.
  if (before !== undefined && !versions.some((each) => each.key === key))
    versions.push({ key, versionId: 'null', object: before });
  const versionId = `v${randomBytes(8).toString('hex')}`;
  versions.push({ key, versionId, object });
  return versionId;
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
