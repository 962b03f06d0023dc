import type { Context } from '../context.ts';
import type { CatalogsAnswer } from '../diff-answer.ts';
import { type CatalogsRequest, compareCatalogs } from './catalogs/catalogs.ts';
import { type FileChange, fileChanges } from './file-changes.ts';
import { type ModuleChange, moduleChanges } from './module-changes.ts';
import { newDirectory } from './sides/read-sides.ts';

/** What differs between two sides. */
export interface Preview {
  readonly files: readonly FileChange[];
  readonly modules: readonly ModuleChange[];
  /** Null when no hosts were wanted. */
  readonly catalogs: CatalogsAnswer | null;
}

/** The same, but `directory` may have content. Hosts of `environment` would get the change. */
export type PreviewRequest = CatalogsRequest;

/** Throws GIT_FAILED, PUPPET_MISSING, PUPPET_FAILED, USAGE when there is no such host. */
export async function previewOf(
  context: Pick<Context, 'env' | 'now' | 'notice' | 'showProgress'>,
  request: PreviewRequest,
): Promise<Preview> {
  const { before, after, directory, wish } = request;
  const files = await fileChanges(before.tree.entries, after.tree.entries, {
    directory: await newDirectory(directory, 'changed'),
    env: context.env,
  });
  const modules = moduleChanges(before, after, files);
  const { certnames, sample, group } = wish;
  if (certnames.length === 0 && sample === undefined && group === undefined) {
    return { files, modules, catalogs: null };
  }
  const own = await newDirectory(directory, 'catalogs');
  return {
    files,
    modules,
    catalogs: await compareCatalogs(context, { ...request, directory: own }),
  };
}
