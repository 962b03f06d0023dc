import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { withLock } from '../../files/lock.ts';
import { moduleOf } from '../tree/module-path.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { addDirectory } from '../tree/walk.ts';
import { INSTALL_LIMIT_MS, type Installer, installModules } from './install.ts';
import { type PuppetfileModule, parsePuppetfile, requireLiteral } from './puppetfile.ts';

export interface ModulesRequest {
  /** Undefined: r10k, when the source has a Puppetfile and no modules at all. */
  readonly installer: Installer | 'none' | undefined;
  /** False: somebody else chose the commit, and its Puppetfile must not run anything here. */
  readonly isOwnCode: boolean;
  readonly moduleDirectories: readonly string[];
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
  const puppetfile = textOf(builder, 'Puppetfile');
  if (puppetfile === undefined) return;
  const modules = parsePuppetfile(puppetfile).filter(({ isLocal }) => !isLocal);
  const installer = installerFor(builder, request);
  const [target] = request.moduleDirectories;
  if (installer !== undefined && target !== undefined) {
    const { cacheDirectory, env, isOwnCode } = request;
    if (!isOwnCode) requireLiteral(puppetfile);
    const { r10kConfig } = request;
    const install = { installer, puppetfile, modules, isOwnCode, cacheDirectory, env, r10kConfig };
    // Held until the modules are read: a publication of another ref would install others.
    const work = async () => {
      const directory = await installModules(install);
      for (const { name } of missingOf(builder, modules, request)) {
        addModule(builder, join(directory, name), `${target}/${name}`);
      }
    };
    await withLock(cacheDirectory, work, { waitMs: INSTALL_LIMIT_MS });
  }
  const missing = missingOf(builder, modules, request);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new CodedError(`the Puppetfile names modules that would not be published: ${names}`, {
    code: 'RELEASE_INVALID',
    next: 'set publish.modules: r10k in miyamoto.yaml, or mm publish ENVIRONMENT --directory DIR with what r10k deployed',
    details: { missing: missing.map(({ name }) => name) },
  });
}

function installerFor(
  builder: TreeBuilder,
  { installer, moduleDirectories }: ModulesRequest,
): Installer | undefined {
  if (installer === 'none') return undefined;
  if (installer !== undefined) return installer;
  const [target] = moduleDirectories;
  const hasModules = builder.entries.some(({ path }) => path.startsWith(`${target}/`));
  return hasModules ? undefined : 'r10k';
}

function missingOf(
  builder: TreeBuilder,
  modules: readonly PuppetfileModule[],
  { moduleDirectories }: ModulesRequest,
): PuppetfileModule[] {
  const there = new Set(
    builder.entries.map(({ path }) => moduleOf(path, moduleDirectories)?.module),
  );
  return modules.filter(({ name }) => !there.has(name));
}

function addModule(builder: TreeBuilder, directory: string, path: string): void {
  // Ignores .gitignore: the installer has put exactly the files of the module there.
  if (existsSync(directory)) addDirectory(builder, directory, path, 'everything');
}

function textOf(builder: TreeBuilder, wanted: string): string | undefined {
  const entry = builder.entries.find(({ path }) => path === wanted);
  return entry?.kind === 'file' ? entry.content.read().toString('utf8') : undefined;
}
