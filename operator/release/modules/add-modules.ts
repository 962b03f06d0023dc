import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathInEnvironment } from '../../../bucket/documents/environment-conf.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import { withLock } from '../../files/lock.ts';
import { textAt } from '../tree/file-at.ts';
import { moduleOf } from '../tree/module-path.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { addDirectory } from '../tree/walk.ts';
import { INSTALL_LIMIT_MS, type Installer, installModules } from './install.ts';
import {
  installable,
  installPathsOf,
  isComputed,
  moduledirOf,
  type PuppetfileModule,
  parsePuppetfile,
  requireLiteral,
} from './puppetfile.ts';

export interface ModulesRequest {
  /** Undefined: r10k, when the source has a Puppetfile and no modules at all. */
  readonly installer: Installer | 'none' | undefined;
  /**
   * Somebody else chose the files, and their Puppetfile must not run anything here: what to do when
   * it has code. Undefined: they are the user's own.
   */
  readonly ifForeignCode: string | undefined;
  readonly moduleDirectories: readonly string[];
  /** The branch that is published. Undefined: something else is. */
  readonly branch: string | undefined;
  readonly cacheDirectory: string;
  /** The user's own r10k.yaml. Undefined: r10k's defaults apply. */
  readonly r10kConfig: string | undefined;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Makes sure that every module of the Puppetfile is in the tree: installs them, or refuses with
 * their names. A release without its modules would fail on every host. Throws RELEASE_INVALID.
 */
export async function addModules(builder: TreeBuilder, request: ModulesRequest): Promise<void> {
  const found = textAt(builder.entries, 'Puppetfile');
  if (found === undefined) return;
  const puppetfile = installable(found, request.branch);
  const named = parsePuppetfile(puppetfile);
  const target = targetIn(request.moduleDirectories, moduledirOf(found));
  const installer = installerFor(builder, request, { target, named });
  const isInstalled = installer !== undefined && target !== undefined;
  // Only the installer knows the modules.
  const isUnknown = isInstalled && isComputed(puppetfile);
  if (isInstalled) {
    const { cacheDirectory, env, ifForeignCode, r10kConfig } = request;
    const isOwnCode = ifForeignCode === undefined;
    if (!isOwnCode) requireLiteral(puppetfile, ifForeignCode);
    const modules = named.filter(({ isLocal }) => !isLocal);
    const what = { puppetfile, modules, isComputed: isUnknown, isOwnCode };
    const install = { installer, ...what, cacheDirectory, env, r10kConfig };
    // Held until the modules are read: a publication of another ref would install others.
    const work = async () => {
      const directory = await installModules(install);
      const there = isUnknown ? modulesIn(directory, installPathsOf(puppetfile)) : modules;
      for (const { name, installPath } of missingOf(builder, there, request)) {
        const own = ownDirectory(installPath);
        const from = join(directory, own ?? 'modules', name);
        addModule(builder, from, [own ?? target, name].filter(Boolean).join('/'));
      }
    };
    // What others could write here would be published.
    requireOwn(cacheDirectory, 'the directory of installed modules');
    await withLock(cacheDirectory, work, { waitMs: INSTALL_LIMIT_MS });
  }
  const missing = isUnknown ? [] : missingOf(builder, named, request);
  const [first] = missing;
  if (first === undefined) return;
  throw notThere(missing, whatNow(builder, first, { target, installer }));
}

/** What an installer put into its own directory, and into those of `install_path`. */
function modulesIn(directory: string, installPaths: readonly string[]): InstalledModule[] {
  return [undefined, ...installPaths].flatMap((installPath) => {
    const place = join(directory, ownDirectory(installPath) ?? 'modules');
    const names = existsSync(place) ? readdirSync(place).sort() : [];
    // Installers keep lists of their own beside the modules.
    const modules = names.filter(
      (name) =>
        !name.startsWith('.') &&
        statSync(join(place, name), { throwIfNoEntry: false })?.isDirectory(),
    );
    return modules.map((name) => ({ name, installPath }));
  });
}

type InstalledModule = Pick<PuppetfileModule, 'name' | 'installPath'>;

/** The directory that Puppet reads and in which r10k would put the modules; else the first one. */
function targetIn(directories: readonly string[], moduledir: string): string | undefined {
  const usual = [pathInEnvironment(moduledir), 'modules'];
  const plain = directories.filter((directory) => !/[*?[{]/.test(directory));
  return usual.find((wanted) => wanted !== undefined && plain.includes(wanted)) ?? plain[0];
}

function installerFor(
  builder: TreeBuilder,
  { installer }: ModulesRequest,
  {
    target,
    named,
  }: { readonly target: string | undefined; readonly named: readonly PuppetfileModule[] },
): Installer | undefined {
  if (installer === 'none') return undefined;
  if (installer !== undefined || target === undefined) return installer;
  const local = new Set(named.filter(({ isLocal }) => isLocal).map(({ name }) => name));
  // A file in the directory, such as .gitkeep, is no module.
  const hasModules = builder.entries.some(({ kind, path }) => {
    const place = moduleOf(path, [target]);
    if (place === undefined || local.has(place.module)) return false;
    return kind === 'link' || place.inside !== undefined;
  });
  return hasModules ? undefined : 'r10k';
}

function ownDirectory(installPath: string | undefined): string | undefined {
  return installPath === undefined ? undefined : pathInEnvironment(installPath);
}

function missingOf<T extends InstalledModule>(
  builder: TreeBuilder,
  modules: readonly T[],
  { moduleDirectories }: ModulesRequest,
): T[] {
  const there = new Set(
    builder.entries.map(({ path }) => moduleOf(path, moduleDirectories)?.module),
  );
  return modules.filter(({ name, installPath }) => {
    const own = ownDirectory(installPath);
    if (own === undefined) return !there.has(name);
    const place = [own, name, ''].filter((part, at) => part !== '' || at === 2).join('/');
    return !builder.entries.some(({ path }) => path.startsWith(place));
  });
}

function addModule(builder: TreeBuilder, directory: string, path: string): void {
  // Ignores .gitignore: the installer has put exactly the files of the module there.
  if (existsSync(directory)) addDirectory(builder, directory, path, 'everything');
}

function notThere(modules: readonly PuppetfileModule[], next: string): CodedError {
  const missing = modules.map(({ name }) => name);
  return new CodedError(
    `the Puppetfile names modules that Puppet would not find in the release: ${missing.join(', ')}`,
    { code: 'RELEASE_INVALID', next, details: { missing } },
  );
}

function whatNow(
  builder: TreeBuilder,
  { name, isLocal }: PuppetfileModule,
  { target, installer }: { target: string | undefined; installer: Installer | undefined },
): string {
  const [, elsewhere] =
    builder.entries
      .map(({ path }) => /^(.+)\/([^/]+)\/(?:metadata\.json|manifests\/init\.pp)$/.exec(path))
      .find((match) => match?.[2] === name) ?? [];
  const path = elsewhere ?? (target === undefined ? 'modules' : undefined);
  if (path !== undefined) return `add ${path} to modulepath in environment.conf`;
  if (isLocal) {
    return `it has local: true: add ${target}/${name} to git, or delete its line of the Puppetfile`;
  }
  if (installer !== undefined) {
    return `correct the Puppetfile: its installer put no ${name} into ${target}`;
  }
  return 'set publish.modules: r10k in miyamoto.yaml, or mm publish ENVIRONMENT --directory DIR with what r10k deployed';
}
