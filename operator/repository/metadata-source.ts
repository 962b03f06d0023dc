import { metadataKey } from '../../bucket/layout.ts';
import type { MetadataSource } from '../../trust/metadata/source.ts';
import { getObject } from './get-object.ts';
import type { TreePlace } from './stored-files.ts';

/**
 * The signed metadata of a tree for mm. It distinguishes a missing file from a file that these
 * credentials may not read. The next root is missing in almost every read, and the walk along the
 * roots accepts both answers.
 */
export function metadataSource({ bucket, tree }: TreePlace): MetadataSource {
  return {
    get: (file, options) =>
      /^\d+\.root\.json$/.test(file)
        ? bucket.get(metadataKey(tree, file), options)
        : getObject(bucket, metadataKey(tree, file), options),
  };
}

/** Each file is requested once, and read twice: as a new host, and as this machine. */
export function remembering(source: MetadataSource): MetadataSource {
  const answers = new Map<string, ReturnType<MetadataSource['get']>>();
  return {
    get(file, request) {
      const answer = answers.get(file) ?? source.get(file, request);
      answers.set(file, answer);
      return answer;
    },
  };
}
