import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  interpolate,
  parseEnvironmentConf,
  pathInEnvironment,
} from '../../../bucket/documents/environment-conf.ts';
import { orUndefined, readStart } from '../../../shared/files.ts';
import type { ApplyRequest } from '../../ports.ts';

const MAX_CONF_BYTES = 1024 ** 2;
const OLD_SITE = 'nodeless_site.pp';

type Place = Pick<
  ApplyRequest,
  'environmentPath' | 'environment' | 'runDirectory' | 'privateDirectory'
>;

/**
 * Returns the manifest that `environment.conf` names, because `puppet apply` does not use the
 * manifest of the environment by itself. Environments of the older form have `nodeless_site.pp` and
 * `classes/`, which Puppet before version 4 imported. Newer versions accept a directory of
 * manifests instead. This function makes such a directory, with links to the files, in the run
 * directory.
 */
export function manifestArgument(place: Place): string {
  const directory = join(place.environmentPath, place.environment);
  // A mishap may have put a FIFO or a device there.
  const path = join(directory, 'environment.conf');
  const text = orUndefined(() => readStart(path, MAX_CONF_BYTES).toString()) ?? '';
  const { manifest } = parseEnvironmentConf(text);
  const configured = manifest === undefined ? undefined : pathOf(manifest, directory, place);
  return manifestOf(directory, configured, place.runDirectory);
}

function manifestOf(
  directory: string,
  configured: string | undefined,
  runDirectory: string,
): string {
  const usual = join(directory, 'manifests');
  const old = join(directory, OLD_SITE);
  if (configured !== undefined && configured !== old) return configured;
  if (configured === undefined && existsSync(usual)) return usual;
  // None exists: Puppet then reports that it cannot find the usual one.
  if (!existsSync(old)) return configured ?? usual;
  return linkOldForm(directory, join(runDirectory, 'manifests'));
}

/** A path may start with a setting. Undefined for a setting that is not known here. */
function pathOf(manifest: string, directory: string, place: Place): string | undefined {
  const inside = pathInEnvironment(manifest);
  if (inside !== undefined) return join(directory, inside);
  const { environmentPath, privateDirectory } = place;
  const base = privateDirectory ?? '/etc/puppetlabs';
  return interpolate(manifest, {
    environmentpath: environmentPath,
    // Puppet does not replace it in a manifest, only in config_version.
    environment: '$environment',
    codedir: join(base, 'code'),
    confdir: privateDirectory === undefined ? '/etc/puppetlabs/puppet' : join(base, 'conf'),
  });
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
