import type { ListedObject } from '../../bucket/bucket.ts';
import { CERTNAME } from '../../bucket/documents/name-rules.ts';
import type { StatusDocument } from '../../bucket/documents/status.ts';
import { hostStatusPrefix } from '../../bucket/layout.ts';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { MAX_STATUS_BYTES, readStatusDocument } from '../repository/host-documents.ts';
import type { TreePlace } from '../repository/stored-files.ts';
import { inOrder } from './in-order.ts';
import { type Problem, problemOf } from './problem.ts';
import { readHostObject } from './read-host-object.ts';

/** An object below `status/hosts/`: the status of a host, or what is wrong with it. */
export type HostStatus = Reported &
  (
    | { readonly status: StatusDocument; readonly problem: undefined }
    | { readonly status: undefined; readonly problem: Problem }
  );

export interface Reported {
  /** From the object key, cleaned: it need not be a certname. */
  readonly certname: string;
  /** When S3 received the object, in ms since 1970. The clock of the host does not matter. */
  readonly receivedAt: number;
}

/** Requests at the same time. */
const PARALLEL = 32;
/** So many refusals without one status that can be read have a common cause. */
export const MANY_REFUSED = 100;

/**
 * Reads the status of each host, in the order of the keys. Only a few are in memory at the same
 * time. A status that cannot be used is returned with its problem and never stops the others.
 * Throws S3_* when the bucket cannot be read at all.
 */
export async function* readStatuses(place: TreePlace): AsyncGenerator<HostStatus> {
  const listed = place.bucket.list(hostStatusPrefix(place.tree));
  let refused = 0;
  let isReadable = false;
  let firstRefusal: unknown;
  for await (const { found, error } of inOrder(listed, PARALLEL, (each) => read(place, each))) {
    if (found === undefined) continue;
    isReadable ||= found.status !== undefined;
    if (found.problem?.kind === 'refused') {
      firstRefusal ??= error;
      refused += 1;
      if (!isReadable && refused >= MANY_REFUSED) throw firstRefusal;
    }
    yield found;
  }
  if (!isReadable && refused > 0) throw firstRefusal;
}

/**
 * Reads one of the listed objects. Undefined when it has been removed since. Throws S3_* for
 * failures that are not those of a single object.
 */
export async function readStatus(
  place: TreePlace,
  listed: Pick<ListedObject, 'key' | 'size' | 'lastModified'>,
): Promise<HostStatus | undefined> {
  return (await read(place, listed)).found;
}

/** Of an object whose name is not that of a host. */
export const FOREIGN: Problem = {
  kind: 'foreign',
  message: 'its key is not <certname>.json: no agent wrote it',
};

/** The name of an object below `status/hosts/` in lists: cleaned, it need not be a certname. */
export function shownName(file: string): string {
  return printable(file.replace(/\.json$/, ''), 200);
}

interface Read {
  readonly found: HostStatus | undefined;
  /** Of a problem. */
  readonly error?: unknown;
}

async function read(
  { bucket, tree }: TreePlace,
  { key, size, lastModified }: Pick<ListedObject, 'key' | 'size' | 'lastModified'>,
): Promise<Read> {
  const file = key.slice(hostStatusPrefix(tree).length);
  const name = /^(.*)\.json$/s.exec(file)?.[1];
  const certname = shownName(file);
  const reported = { certname, receivedAt: lastModified };
  const broken = (problem: Problem, error?: unknown): Read => ({
    found: { ...reported, status: undefined, problem },
    error,
  });
  if (name === undefined || !CERTNAME.test(name)) {
    return broken(FOREIGN);
  }
  if (size > MAX_STATUS_BYTES) {
    const message = `expected at most ${MAX_STATUS_BYTES} bytes, found ${size}`;
    return broken({ kind: 'too-large', message });
  }
  try {
    const bytes = await readHostObject(bucket, key, MAX_STATUS_BYTES);
    const status = readStatusDocument(bytes, { certname: name, key });
    return { found: { ...reported, status, problem: undefined } };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_NOT_FOUND') return { found: undefined };
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return broken(problem, error);
  }
}
