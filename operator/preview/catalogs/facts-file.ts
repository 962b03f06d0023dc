import { open } from 'node:fs/promises';
import { hostFactsKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { readHostObject } from '../../hosts/read-host-object.ts';
import { MAX_FACTS_BYTES, readFactsDocument } from '../../repository/host-documents.ts';
import type { TreePlace } from '../../repository/stored-files.ts';

/** Certname, offset and length of the facts document in the file. */
export type FactsPlace = readonly [certname: string, offset: number, length: number];

export interface FactsFile {
  readonly path: string;
  readonly hosts: readonly FactsPlace[];
  /** Hosts whose facts cannot be used, and why. */
  readonly missing: ReadonlyMap<string, string>;
}

/** Requests at the same time. */
const PARALLEL = 16;

/**
 * Writes the facts of the hosts to a new file. Only a few documents are in memory at the same time.
 * Each document is checked, because hosts wrote it. Throws S3_* when the bucket cannot be read at
 * all.
 */
export async function writeFactsFile(
  place: TreePlace,
  certnames: readonly string[],
  path: string,
): Promise<FactsFile> {
  await using file = await open(path, 'wx', 0o600);
  const hosts: FactsPlace[] = [];
  const missing = new Map<string, string>();
  let offset = 0;
  for (let at = 0; at < certnames.length; at += PARALLEL) {
    const names = certnames.slice(at, at + PARALLEL);
    const documents = await Promise.all(names.map((name) => factsOf(place, name)));
    for (const [index, certname] of names.entries()) {
      const document = documents[index] ?? '';
      if (typeof document === 'string') {
        missing.set(certname, document);
        continue;
      }
      await file.write(document, 0, document.length, offset);
      hosts.push([certname, offset, document.length]);
      offset += document.length;
    }
  }
  return { path, hosts, missing };
}

/** Returns the bytes unchanged, so that a large integer keeps its digits, or a problem. */
async function factsOf({ bucket, tree }: TreePlace, certname: string): Promise<Buffer | string> {
  const key = hostFactsKey(tree, certname);
  try {
    const bytes = await readHostObject(bucket, key, MAX_FACTS_BYTES);
    readFactsDocument(bytes, { certname, key });
    return bytes;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'S3_NOT_FOUND') return 'this host has never sent its facts';
    if (!['STATUS_INVALID', 'S3_TOO_LARGE'].includes(error.code)) throw error;
    return error.message.replaceAll(certname, '<host>');
  }
}
