import { dirname, join, resolve } from 'node:path';
import { mkdir, readdir, readFile, stat, symlink } from '../../../shared/files.ts';

const OLD_SITE = 'nodeless_site.pp';

/**
 * The manifest that `puppet apply` is given, which reads no environment's own: what `environment.conf` says, else
 * `manifests/`. The older form of an environment has `nodeless_site.pp` and `classes/`, which Puppet before 4 imported;
 * Puppet since then takes a directory of manifests in its place, so one is made of links in the run directory.
 */
export async function manifestOf(
  environmentDirectory: string,
  runDirectory: string,
): Promise<string> {
  const configured = await configuredManifest(environmentDirectory);
  const usual = join(environmentDirectory, 'manifests');
  const old = join(environmentDirectory, OLD_SITE);
  if (configured !== undefined && configured !== old) return configured;
  if (configured === undefined && (await isThere(usual))) return usual;
  // Neither: Puppet then says that it cannot find the usual one.
  if (!(await isThere(old))) return configured ?? usual;
  return await linkOldForm(environmentDirectory, join(runDirectory, 'manifests'));
}

async function configuredManifest(environmentDirectory: string): Promise<string | undefined> {
  const path = join(environmentDirectory, 'environment.conf');
  const text = await readFile(path, 'utf8').catch(() => '');
  const value = /^[ \t]*manifest[ \t]*=[ \t]*(\S.*?)[ \t\r]*$/m.exec(text)?.[1];
  return value === undefined ? undefined : resolve(environmentDirectory, value);
}

async function linkOldForm(environmentDirectory: string, directory: string): Promise<string> {
  const classes = await readdir(join(environmentDirectory, 'classes'), { recursive: true }).catch(
    () => [],
  );
  const manifests = classes.filter((name) => name.endsWith('.pp'));
  for (const name of [OLD_SITE, ...manifests.map((manifest) => join('classes', manifest))]) {
    const link = join(directory, name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(environmentDirectory, name), link);
  }
  return directory;
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
