import {
  type EnvironmentConf,
  pathInEnvironment,
} from '../../bucket/documents/environment-conf.ts';
import type { TreeEntry, TreeProblem } from './tree.ts';

/** The main manifest of the older form, beside `classes/` and `modules/`. */
export const OLD_SITE = 'nodeless_site.pp';

/**
 * Whether the tree is a Puppet environment: the manifest that environment.conf names, `manifests/`, or
 * the older form. If it is not, the problem says what was found instead and what to do.
 */
export function findShapeProblems(
  entries: readonly TreeEntry[],
  { manifest }: EnvironmentConf,
): TreeProblem[] {
  const paths = entries.map(({ path }) => path);
  const has = (wanted: string) =>
    paths.some((path) => path === wanted || path.startsWith(`${wanted}/`));
  if (manifest !== undefined) {
    const inside = pathInEnvironment(manifest);
    // An absolute path, or one below a setting of the host: only the host can tell.
    if (inside === undefined || inside === '' || has(inside)) return [];
    return [missing(`environment.conf has manifest = ${manifest}, and there is no ${inside}`)];
  }
  if (has('manifests') || has(OLD_SITE)) return [];
  const wanted = `no Puppet environment: expected manifests/ or ${OLD_SITE} at its root`;
  if (has('site.pp')) {
    return [missing(`${wanted}, found site.pp`, 'put "manifest = site.pp" into environment.conf')];
  }
  const below = paths.find((path) => /\/(manifests\/site\.pp|environment\.conf)$/.test(path));
  if (below === undefined) return [missing(wanted)];
  const directory = below.replace(/\/(manifests\/site\.pp|environment\.conf)$/, '');
  const next = `set repository: to the directory ${directory} of it, in miyamoto.yaml`;
  return [missing(`${wanted}, found one in ${directory}`, next)];
}

function missing(message: string, next?: string): TreeProblem {
  return { code: 'RELEASE_INVALID', message, ...(next !== undefined && { next }) };
}
