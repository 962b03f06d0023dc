import { type EnvironmentConf, siteManifest } from '../../bucket/documents/environment-conf.ts';
import { someOf } from '../../shared/counted.ts';
import type { TreeEntry, TreeProblem } from './tree/tree.ts';

/** The main manifest of the older form, beside `classes/` and `modules/`. */
export const OLD_SITE = 'nodeless_site.pp';

/**
 * Whether the tree is a Puppet environment: the manifest that environment.conf names, `manifests/`,
 * or the older form. If it is not, the problem says what was found instead and what to do.
 */
export function findShapeProblems(
  entries: readonly TreeEntry[],
  conf: EnvironmentConf,
): TreeProblem[] {
  const { manifest, refused } = conf;
  if (refused !== undefined) {
    const message = `has ${JSON.stringify(refused.text.slice(0, 100))}, which Puppet refuses`;
    const next =
      'write each line as "name = value" or "# comment", in UTF-8 without a byte order mark, and without {…}';
    return [{ ...missing(message, next), path: 'environment.conf', line: refused.line }];
  }
  const paths = entries.map(({ path }) => path);
  const site = siteManifest(conf);
  const directory = site ?? 'manifests';
  const inWay = paths.find((path) => path.startsWith(`${directory}/`) && /\.pp\//.test(path));
  if (inWay !== undefined) {
    const path = inWay.slice(0, inWay.indexOf('.pp/') + 3);
    const message = 'is a directory, and Puppet reads it as a manifest because of its name';
    return [{ ...missing(message, 'rename the directory'), path }];
  }
  const has = (wanted: string) =>
    paths.some((path) => path === wanted || path.startsWith(`${wanted}/`));
  if (manifest !== undefined) {
    // An absolute path, or one below a setting of the host: only the host knows whether it exists.
    if (site === undefined || site === '' || has(site)) return [];
    const message = `has manifest = ${manifest}, and there is no ${site}`;
    return [{ ...missing(message), path: 'environment.conf' }];
  }
  if (has('manifests')) return [];
  if (has(OLD_SITE)) return findImports(entries);
  const wanted = `no Puppet environment: expected manifests/ or ${OLD_SITE} at its root`;
  if (has('site.pp')) {
    return [missing(`${wanted}, found site.pp`, 'put "manifest = site.pp" into environment.conf')];
  }
  const found = findEnvironments(paths);
  if (found.length === 0) return [missing(wanted, 'add manifests/site.pp')];
  const next = `set repository: to the directory ${found[0]} of it, in miyamoto.yaml`;
  return [missing(`${wanted}, found one in ${someOf(found, 3)}`, next)];
}

/** Directories with manifests that are neither modules nor fixtures of their tests. */
function findEnvironments(paths: readonly string[]): string[] {
  const all = new Set(paths);
  const directories = paths.flatMap((path) => {
    const directory = /^(.+)\/(?:manifests\/[^/]+\.pp|environment\.conf)$/.exec(path)?.[1];
    return directory === undefined ? [] : [directory];
  });
  return [...new Set(directories)].filter(
    (directory) =>
      !/(^|\/)(modules|spec|fixtures)(\/|$)/.test(directory) &&
      !all.has(`${directory}/metadata.json`) &&
      !all.has(`${directory}/manifests/init.pp`),
  );
}

/** Puppet refuses `import` since version 4. Hosts read `classes/` of the older form without it. */
function findImports(entries: readonly TreeEntry[]): TreeProblem[] {
  return entries.flatMap((entry) => {
    const isOwn = entry.path === OLD_SITE || /^classes\/.+\.pp$/.test(entry.path);
    if (!isOwn || entry.kind === 'link') return [];
    const lines = entry.content.read().toString('utf8').split('\n');
    return lines.flatMap((line, index) =>
      /^\s*import\s*\(?\s*['"]/.test(line)
        ? [{ ...refusedImport(line), path: entry.path, line: index + 1 }]
        : [],
    );
  });
}

function refusedImport(line: string): TreeProblem {
  return missing(
    `has "${line.trim().slice(0, 100)}", which Puppet refuses since version 4`,
    'delete the line: hosts read classes/ without it, and modules/ by autoloading',
  );
}

function missing(message: string, next?: string): TreeProblem {
  const place = { path: null, line: null };
  return { code: 'RELEASE_INVALID', ...place, message, ...(next !== undefined && { next }) };
}
