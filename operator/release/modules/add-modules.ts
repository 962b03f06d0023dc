import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathInEnvironment } from '../../../bucket/documents/environment-conf.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { withLock } from '../../files/lock.ts';
import { fileAt } from '../tree/file-at.ts';
import { moduleOf } from '../tree/module-path.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { addDirectory } from '../tree/walk.ts';
import { INSTALL_LIMIT_MS, type Installer, installModules } from './install.ts';
import {
  installable,
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
  const found = textOf(builder, 'Puppetfile');
  if (found === undefined) return;
  const puppetfile = installable(found, request.branch);
  const modules = parsePuppetfile(puppetfile).filter(({ isLocal }) => !isLocal);
  const target = targetIn(request.moduleDirectories, moduledirOf(found));
  const installer = installerFor(builder, request, target);
  if (installer !== undefined && target !== undefined) {
    const { cacheDirectory, env, ifForeignCode, r10kConfig } = request;
    const isOwnCode = ifForeignCode === undefined;
    if (!isOwnCode) requireLiteral(puppetfile, ifForeignCode);
    const install = { installer, puppetfile, modules, isOwnCode, cacheDirectory, env, r10kConfig };
    // Held until the modules are read: a publication of another ref would install others.
    const work = async () => {
      const directory = await installModules(install);
      for (const { name, installPath } of missingOf(builder, modules, request)) {
        const own = ownDirectory(installPath);
        const from = join(directory, own ?? 'modules', name);
        addModule(builder, from, [own ?? target, name].filter(Boolean).join('/'));
      }
    };
    await withLock(cacheDirectory, work, { waitMs: INSTALL_LIMIT_MS });
  }
  const missing = missingOf(builder, modules, request).map(({ name }) => name);
  if (missing.length > 0) throw notThere(missing, whatNow(builder, missing, { target, installer }));
}

/** The directory that Puppet reads and in which r10k would put the modules; else the first one. */
function targetIn(directories: readonly string[], moduledir: string): string | undefined {
  const usual = [pathInEnvironment(moduledir), 'modules'];
  const plain = directories.filter((directory) => !/[*?[{]/.test(directory));
  return usual.find((wanted) => wanted !== undefined && plain.includes(wanted)) ?? plain[0];
}

function installerFor(
  builder: TreeBuilder,
  { installer }: ModulesRequest,
  target: string | undefined,
): Installer | undefined {
  if (installer === 'none') return undefined;
  if (installer !== undefined || target === undefined) return installer;
  // A file in the directory, such as .gitkeep, is no module.
  const hasModules = builder.entries.some(({ kind, path }) => {
    const place = moduleOf(path, [target]);
    return place !== undefined && (kind === 'link' || place.inside !== undefined);
  });
  return hasModules ? undefined : 'r10k';
}

function ownDirectory(installPath: string | undefined): string | undefined {
  return installPath === undefined ? undefined : pathInEnvironment(installPath);
}

function missingOf(
  builder: TreeBuilder,
  modules: readonly PuppetfileModule[],
  { moduleDirectories }: ModulesRequest,
): PuppetfileModule[] {
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

function notThere(missing: readonly string[], next: string): CodedError {
  return new CodedError(
    `the Puppetfile names modules that Puppet would not find in the release: ${missing.join(', ')}`,
    { code: 'RELEASE_INVALID', next, details: { missing } },
  );
}

function whatNow(
  builder: TreeBuilder,
  [name = '']: readonly string[],
  { target, installer }: { target: string | undefined; installer: Installer | undefined },
): string {
  const [, elsewhere] =
    builder.entries
      .map(({ path }) => /^(.+)\/([^/]+)\/(?:metadata\.json|manifests\/init\.pp)$/.exec(path))
      .find((match) => match?.[2] === name) ?? [];
  const path = elsewhere ?? (target === undefined ? 'modules' : undefined);
  if (path !== undefined) return `add ${path} to modulepath in environment.conf`;
  if (installer !== undefined) {
    return `correct the Puppetfile: its installer put no ${name} into ${target}`;
  }
  return 'set publish.modules: r10k in miyamoto.yaml, or mm publish ENVIRONMENT --directory DIR with what r10k deployed';
}

function textOf(builder: TreeBuilder, wanted: string): string | undefined {
  return fileAt(builder.entries, wanted)?.content.read().toString('utf8');
}
