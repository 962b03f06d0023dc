import {
  type EnvironmentConf,
  moduleDirectories,
  siteManifest,
} from '../../../bucket/documents/environment-conf.ts';
import { OLD_SITE } from '../check-shape.ts';
import { isModuleName, moduleOf } from '../tree/module-path.ts';
import type { FileEntry } from '../tree/tree.ts';
import { dataDirectories, HIERA } from './hiera-data.ts';

/** How Puppet reads a file. */
export const KINDS = [
  ...(['puppet', 'epp', 'erb', 'ruby'] as const),
  ...(['yaml', 'json', 'hiera', 'metadata'] as const),
] as const;
export type Kind = (typeof KINDS)[number];

/** A file that Puppet would load. */
export interface LoadedFile {
  readonly entry: FileEntry;
  readonly kind: Kind;
  /** Undefined: the file belongs to the environment itself. */
  readonly module: string | undefined;
}

/** `puppet apply` loads no plans. */
const IN_MODULE: readonly (readonly [RegExp, Kind])[] = [
  [/^(?:manifests|functions|types)\/.+\.pp$/, 'puppet'],
  [/^templates\/.+\.epp$/, 'epp'],
  [/^templates\/.+\.erb$/, 'erb'],
  [/^lib\/.+\.rb$/, 'ruby'],
  [/^hiera\.yaml$/, 'hiera'],
  [/^metadata\.json$/, 'metadata'],
];
/** An environment is like a module: its manifest takes the place of classes. */
const AT_TOP: readonly (readonly [RegExp, Kind])[] = [
  [/^(?:functions|types)\/.+\.pp$/, 'puppet'],
  [/^lib\/.+\.rb$/, 'ruby'],
  [/^hiera\.yaml$/, 'hiera'],
];
const DATA: readonly (readonly [RegExp, Kind])[] = [
  [/\.(?:ya?ml|eyaml)$/, 'yaml'],
  [/\.json$/, 'json'],
];

/**
 * The files that Puppet would load, and how it reads each. All other files are not code, whatever
 * their names: a `.pp` in files/ is a SELinux policy, and one in spec/ may be broken on purpose.
 *
 * @param files with those behind links, see {@link withLinked}
 */
export function loadedFiles(
  files: readonly FileEntry[],
  conf: EnvironmentConf,
): readonly LoadedFile[] {
  const directories = moduleDirectories(conf);
  const dataOf = dataOfOwners(files, directories);
  return files.flatMap((entry) => {
    const { path } = entry;
    const place = moduleOf(path, directories);
    const inside = place?.inside ?? path;
    const parts = place === undefined ? AT_TOP : IN_MODULE;
    const isManifest = place === undefined && isSiteManifest(path, conf);
    const found = isManifest ? 'puppet' : (kindOf(inside, parts) ?? dataKind(inside, place));
    const kind = isNeverLoaded(path, place, found) ? undefined : found;
    return kind === undefined ? [] : [{ entry, kind, module: place?.module }];
  });

  function dataKind(inside: string, place: { readonly directory: string } | undefined) {
    const data = dataOf.get(place?.directory ?? '') ?? [];
    const isData = data.some((each) => each === '' || inside.startsWith(`${each}/`));
    return isData ? kindOf(inside, DATA) : undefined;
  }
}

/**
 * Puppet loads no code from a hidden file, such as `._init.pp` of a Mac, and nothing from a
 * directory that has no name of a module.
 */
function isNeverLoaded(
  path: string,
  place: { readonly module: string } | undefined,
  kind: Kind | undefined,
): boolean {
  if (place !== undefined && !isModuleName(place.module)) return true;
  return (kind === 'puppet' || kind === 'ruby') && /(^|\/)\./.test(path);
}

/** Directory of a module, or "" for the environment, to its directories with data. */
function dataOfOwners(
  files: readonly FileEntry[],
  directories: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const data = new Map([['', dataDirectories(files.find(({ path }) => path === HIERA))]]);
  for (const file of files) {
    const place = moduleOf(file.path, directories);
    // Without a hiera.yaml a module has no data.
    if (place?.inside === HIERA) data.set(place.directory, dataDirectories(file));
  }
  return data;
}

function kindOf(path: string, parts: readonly (readonly [RegExp, Kind])[]): Kind | undefined {
  return parts.find(([pattern]) => pattern.test(path))?.[1];
}

function isSiteManifest(path: string, conf: EnvironmentConf): boolean {
  if (!path.endsWith('.pp')) return false;
  const configured = siteManifest(conf);
  const isOldForm = path === OLD_SITE || path.startsWith('classes/');
  if (isOldForm && (configured === 'manifests' || configured === OLD_SITE)) return true;
  // Puppet reads all manifests of the directory; "" is the environment itself.
  return configured === '' || configured === path || path.startsWith(`${configured}/`);
}
