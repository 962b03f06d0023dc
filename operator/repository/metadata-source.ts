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
