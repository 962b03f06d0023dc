import {
  type EnvironmentConf,
  moduleDirectories,
  siteManifest,
} from '../../../bucket/documents/environment-conf.ts';
import { printable } from '../../../shared/clean-text.ts';
import { fileAt } from '../tree/file-at.ts';
import { moduleOf } from '../tree/module-path.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { withLinked } from '../tree/with-linked.ts';
import { installPathsOf } from './puppetfile.ts';

const MAX_NAMED = 5;
/** A file by which its directory is a module. */
const MODULE = /^(.+)\/([a-z][a-z0-9_]*)\/(?:metadata\.json|manifests\/.+\.pp)$/;
const CODE = /^(?:manifests|lib|functions|types|templates|files)\//;
/** Modules there are for tests and readers. */
const NOT_FOR_HOSTS =
  /(?:^|\/)(?:spec|tests?|fixtures|acceptance|examples?|docs?|skeleton)(?:\/|$)/;

/**
 * Warns about modules of a release that Puppet would not find: in a directory that `modulepath`
 * does not name, however it is spelled, or with a name that Puppet does not read.
 */
export function unseenModules(entries: readonly TreeEntry[], conf: EnvironmentConf): string[] {
  const directories = moduleDirectories(conf);
  const outside = Map.groupBy(
    entries.flatMap(({ path }) => {
      const [, directory = '', module = ''] = MODULE.exec(path) ?? [];
      const isModule = directory !== '' && moduleOf(path, directories) === undefined;
      return isModule && !NOT_FOR_HOSTS.test(directory) ? [{ directory, module }] : [];
    }),
    ({ directory }) => directory,
  );
  const paths = new Set(entries.map(({ path }) => path));
  const seen = new Set(withLinked(entries).map(({ path }) => moduleOf(path, directories)?.module));
  const unnamed = [...outside].flatMap(([directory, found]) => {
    if (isNamed(directory, entries, conf)) return [];
    const modules = [...new Set(found.map(({ module }) => module))].filter(
      (module) => !seen.has(module) && !isEnvironment(`${directory}/${module}`, paths),
    );
    if (modules.length === 0) return [];
    const more = modules.length > MAX_NAMED ? ` and ${modules.length - MAX_NAMED} more` : '';
    const named = `${modules.slice(0, MAX_NAMED).join(', ')}${more}`;
    const given = printable(conf.modulepath.join(':'), 200);
    return [
      `modulepath (${given}) does not name ${printable(directory, 200)}: no host finds its modules ${named}`,
    ];
  });
  return [...unnamed, ...oddNames(entries, directories)];
}

/** By a part of `modulepath` that is not relative, by `install_path`, or as the manifest. */
function isNamed(directory: string, entries: readonly TreeEntry[], conf: EnvironmentConf): boolean {
  const manifest = siteManifest(conf);
  if (directory === manifest || directory.startsWith(`${manifest}/`)) return true;
  const ofHosts = /^\$environmentpath\/[^/$]+\/(.+?)\/*$/;
  if (conf.modulepath.some((part) => ofHosts.exec(part)?.[1] === directory)) return true;
  const puppetfile = fileAt(entries, 'Puppetfile')?.content.read().toString('utf8') ?? '';
  return installPathsOf(puppetfile).includes(directory);
}

function isEnvironment(directory: string, paths: ReadonlySet<string>): boolean {
  return ['environment.conf', 'manifests/site.pp'].some((file) =>
    paths.has(`${directory}/${file}`),
  );
}

function oddNames(entries: readonly TreeEntry[], directories: readonly string[]): string[] {
  const odd = entries.flatMap(({ path }) => {
    const place = moduleOf(path, directories);
    if (place?.inside === undefined || !CODE.test(place.inside)) return [];
    return /^\.|^[a-z][a-z0-9_]*$/.test(place.module) ? [] : [place.directory];
  });
  return [...new Set(odd)].map(
    (directory) =>
      `${printable(directory, 200)} has no name of a module, so Puppet reads nothing in it: expected a-z, 0-9 and "_"`,
  );
}
