import { hostFactsKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { JsonObject } from '../../shared/json.ts';
import { MAX_FACTS_BYTES, readFactsDocument } from '../repository/host-documents.ts';
import type { TreePlace } from '../repository/stored-files.ts';
import { type Problem, problemOf } from './problem.ts';
import { readHostObject } from './read-host-object.ts';

export type HostFacts =
  | { readonly facts: JsonObject; readonly problem: undefined }
  | { readonly facts: undefined; readonly problem: Problem };

/**
 * All facts of a host; none when it has never sent any. Throws S3_* for failures of the whole
 * bucket.
 */
export async function readFacts({ bucket, tree }: TreePlace, certname: string): Promise<HostFacts> {
  const key = hostFactsKey(tree, certname);
  try {
    const bytes = await readHostObject(bucket, key, MAX_FACTS_BYTES);
    return { facts: readFactsDocument(bytes, { certname, key }).facts, problem: undefined };
  } catch (error) {
    const isMissing = error instanceof CodedError && error.code === 'S3_NOT_FOUND';
    if (isMissing) return { facts: {}, problem: undefined };
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return { facts: undefined, problem };
  }
}
