import {
  type EnvironmentConf,
  moduleDirectories,
  siteManifest,
} from '../../../bucket/documents/environment-conf.ts';
import { printable } from '../../../shared/clean-text.ts';
import { someOf } from '../../../shared/counted.ts';
import { textAt } from '../tree/file-at.ts';
import { isModuleName, moduleOf } from '../tree/module-path.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { withLinked } from '../tree/with-linked.ts';
import { installPathsOf } from './puppetfile.ts';

const MAX_NAMED = 5;
/** A file by which its directory is a module. */
const MODULE = /^(.+)\/([a-z][a-z0-9_]*)\/(?:metadata\.json|manifests\/.+\.pp)$/;
const CODE = /^(?:manifests|lib|functions|types|templates|files)\//;
/** Directories whose modules are for tests and documentation. */
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
  const odd = oddNames(entries, directories);
  if (outside.size === 0) return odd;
  const isNamed = namer(entries, conf);
  const paths = new Set(entries.map(({ path }) => path));
  const seen = new Set(withLinked(entries).map(({ path }) => moduleOf(path, directories)?.module));
  const unnamed = [...outside].flatMap(([directory, found]) => {
    if (isNamed(directory)) return [];
    const modules = [...new Set(found.map(({ module }) => module))].filter(
      (module) => !seen.has(module) && !isEnvironment(`${directory}/${module}`, paths),
    );
    if (modules.length === 0) return [];
    const named = someOf(modules, MAX_NAMED);
    const given = printable(conf.modulepath.join(':'), 200);
    return [
      `modulepath (${given}) does not name ${printable(directory, 200)}: no host finds its modules ${named}`,
    ];
  });
  return [...unnamed, ...odd];
}

/**
 * Whether a directory is named by the manifest, by `install_path`, or by a part of `modulepath`
 * that is not relative.
 */
function namer(
  entries: readonly TreeEntry[],
  conf: EnvironmentConf,
): (directory: string) => boolean {
  const manifest = siteManifest(conf);
  const ofHosts = /^\$environmentpath\/[^/$]+\/(.+?)\/*$/;
  const named = new Set([
    ...conf.modulepath.map((part) => ofHosts.exec(part)?.[1]),
    ...installPathsOf(textAt(entries, 'Puppetfile') ?? ''),
  ]);
  return (directory) =>
    directory === manifest || directory.startsWith(`${manifest}/`) || named.has(directory);
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
    const isUsual = place.module.startsWith('.') || isModuleName(place.module);
    return isUsual ? [] : [place.directory];
  });
  return [...new Set(odd)].map(
    (directory) =>
      `${printable(directory, 200)} has no name of a module, so Puppet reads nothing in it: expected a-z, 0-9 and "_"`,
  );
}
