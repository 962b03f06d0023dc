import type { Context } from '../context.ts';
import type { DiffAnswer } from '../diff-answer.ts';
import type { OpenTree } from '../open-tree.ts';
import { type PreviewRequest, previewOf } from './preview.ts';
import type { Side } from './sides/side.ts';

/** Compares two sides. Throws what `previewOf` throws. */
export async function diffAnswer(
  context: Context,
  { config, bucket }: OpenTree,
  request: Omit<PreviewRequest, 'place'>,
): Promise<DiffAnswer> {
  const { environment, before, after } = request;
  const place = { bucket, tree: config.tree };
  const { files, modules, catalogs } = await previewOf(context, { ...request, place });
  return {
    schemaVersion: 1,
    bucket: bucket.name,
    tree: config.tree,
    environment,
    before: sideAnswer(before),
    after: sideAnswer(after),
    files: [...files],
    modules: [...modules],
    catalogs,
  };
}

function sideAnswer({ name, version, sha256, commit }: Side): DiffAnswer['before'] {
  return { name, version, sha256, commit };
}
