import {
  type EnvironmentConf,
  pathInEnvironment,
} from '../../bucket/documents/environment-conf.ts';
import type { TreeEntry, TreeProblem } from './tree.ts';

/** The main manifest of the older form, beside `classes/` and `modules/`. */
export const OLD_SITE = 'nodeless_site.pp';

/**
 * Whether the tree is a Puppet environment: the manifest that environment.conf names, `manifests/`,
 * or the older form. If it is not, the problem says what was found instead and what to do.
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
  if (has('manifests')) return [];
  if (has(OLD_SITE)) return findImports(entries);
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

/** Puppet refuses `import` since version 4. Hosts read `classes/` of the older form without it. */
function findImports(entries: readonly TreeEntry[]): TreeProblem[] {
  return entries.flatMap((entry) => {
    const isOwn = entry.path === OLD_SITE || /^classes\/.+\.pp$/.test(entry.path);
    if (!isOwn || entry.kind === 'link') return [];
    const lines = entry.content.read().toString('utf8').split('\n');
    return lines.flatMap((line, index) =>
      /^\s*import\s*\(?\s*['"]/.test(line)
        ? [
            missing(
              `${entry.path} line ${index + 1}: Puppet refuses "${line.trim().slice(0, 100)}" since version 4`,
              'delete the line: hosts read classes/ without it, and modules/ by autoloading',
            ),
          ]
        : [],
    );
  });
}

function missing(message: string, next?: string): TreeProblem {
  return { code: 'RELEASE_INVALID', message, ...(next !== undefined && { next }) };
}
