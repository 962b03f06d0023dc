import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeBuilder } from '../source/tree-builder.ts';
import { addDirectory } from '../source/walk.ts';
import { type Installer, installModules } from './install.ts';
import { moduleOf } from './module-path.ts';
import { type PuppetfileModule, parsePuppetfile } from './puppetfile.ts';

export interface ModulesRequest {
  /** Undefined: r10k, when the source has a Puppetfile and no modules at all. */
  readonly installer: Installer | 'none' | undefined;
  readonly moduleDirectories: readonly string[];
  readonly cacheDirectory: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Makes sure that every module of the Puppetfile is in the tree: installs them, or refuses with
 * their names. Without this a release would lack its modules and fail on every host. Throws
 * RELEASE_INVALID.
 */
export async function addModules(builder: TreeBuilder, request: ModulesRequest): Promise<void> {
  const puppetfile = textOf(builder, 'Puppetfile');
  if (puppetfile === undefined) return;
  const modules = parsePuppetfile(puppetfile).filter(({ isLocal }) => !isLocal);
  const installer = installerFor(builder, request);
  const [target] = request.moduleDirectories;
  if (installer !== undefined && target !== undefined) {
    const { cacheDirectory, env } = request;
    const install = { installer, puppetfile, modules, cacheDirectory, env };
    const directory = await installModules(install);
    for (const { name } of missingOf(builder, modules, request)) {
      addModule(builder, join(directory, name), `${target}/${name}`);
    }
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
  // Not by its .gitignore: an installer put there exactly what belongs to the module.
  if (existsSync(directory)) addDirectory(builder, directory, path, 'everything');
}

function textOf(builder: TreeBuilder, wanted: string): string | undefined {
  const entry = builder.entries.find(({ path }) => path === wanted);
  return entry?.kind === 'file' ? entry.content.read().toString('utf8') : undefined;
}
