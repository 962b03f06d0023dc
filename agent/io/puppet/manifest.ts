import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';

const OLD_SITE = 'nodeless_site.pp';

/**
 * Returns the manifest for `puppet apply`, which does not use that of the environment by itself:
 * the one in `environment.conf`, or `manifests/`. Environments of the older form have
 * `nodeless_site.pp` and `classes/`, which Puppet before 4 imported. Newer ones accept a directory
 * of manifests instead, so this function makes one of links in the run directory.
 */
export function manifestOf(environmentDirectory: string, runDirectory: string): string {
  const configured = configuredManifest(environmentDirectory);
  const usual = join(environmentDirectory, 'manifests');
  const old = join(environmentDirectory, OLD_SITE);
  if (configured !== undefined && configured !== old) return configured;
  if (configured === undefined && existsSync(usual)) return usual;
  // None exists: Puppet then reports that it cannot find the usual one.
  if (!existsSync(old)) return configured ?? usual;
  return linkOldForm(environmentDirectory, join(runDirectory, 'manifests'));
}

function configuredManifest(environmentDirectory: string): string | undefined {
  const path = join(environmentDirectory, 'environment.conf');
  const text = orUndefined(() => readFileSync(path, 'utf8')) ?? '';
  const value = /^[ \t]*manifest[ \t]*=[ \t]*(\S.*?)[ \t\r]*$/m.exec(text)?.[1];
  return value === undefined ? undefined : resolve(environmentDirectory, value);
}

function linkOldForm(environmentDirectory: string, directory: string): string {
  const directoryOfClasses = join(environmentDirectory, 'classes');
  const classes =
    orUndefined(() => readdirSync(directoryOfClasses, { encoding: 'utf8', recursive: true })) ?? [];
  const manifests = classes.filter((name) => name.endsWith('.pp'));
  for (const name of [OLD_SITE, ...manifests.map((manifest) => join('classes', manifest))]) {
    const link = join(directory, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(environmentDirectory, name), link);
  }
  return directory;
}
