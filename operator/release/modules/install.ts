import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Document, parseDocument } from 'yaml';
import { replaceFileSync, writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { readNamed } from '../../../shared/files.ts';
import { ownText } from '../../../shared/foreign-file.ts';
import type { PuppetfileModule } from './puppetfile.ts';

/** What installs the modules of a Puppetfile. */
export type Installer = 'r10k' | 'g10k' | { readonly command: readonly string[] };

export interface InstallRequest {
  readonly installer: Installer;
  readonly puppetfile: string;
  readonly modules: readonly PuppetfileModule[];
  /** Only the installer knows the modules. They are installed into an empty directory. */
  readonly isComputed: boolean;
  /**
   * False when somebody else chose the code: the user's own r10k.yaml is used, without its cache.
   */
  readonly isOwnCode: boolean;
  /** Outside of every work tree. Kept between publications of the user's own code. */
  readonly cacheDirectory: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The user's own r10k.yaml: its Forge, proxies, git settings and cache count. */
  readonly r10kConfig: string | undefined;
}

export const INSTALL_LIMIT_MS = 30 * 60_000;
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_WORDS = 1500;
const MAX_CONFIG_BYTES = 256 * 1024;

/**
 * Installs the modules and returns the directory of the Puppetfile: `install_path` counts from
 * there, and other modules are in `modules/`. A Puppetfile whose versions are all exact is
 * installed once: as long as it does not change, no program starts and no network is needed. Throws
 * RELEASE_INVALID with the message of the installer.
 */
export async function installModules(request: InstallRequest): Promise<string> {
  const { cacheDirectory, puppetfile, modules } = request;
  if (request.isComputed) return await installAlone(request);
  const stamp = join(cacheDirectory, 'installed');
  const isExact = modules.every((module) => module.isExact || module.isLocal);
  const wanted = digestOf(request);
  if (isExact && ownText(stamp) === wanted) return cacheDirectory;
  await mkdir(join(cacheDirectory, 'modules'), { recursive: true });
  // Must be first: after an interruption, the modules belong to no Puppetfile.
  await rm(stamp, { force: true });
  replaceFileSync(join(cacheDirectory, 'Puppetfile'), puppetfile);
  await run(request, cacheDirectory);
  // Must be last: a stamp means that everything was installed.
  writeFileAtomicSync(stamp, wanted);
  return cacheDirectory;
}

/** Into an empty directory, so that all that is there afterwards is of this Puppetfile. */
async function installAlone(request: InstallRequest): Promise<string> {
  const directory = join(request.cacheDirectory, 'computed');
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, 'modules'), { recursive: true });
  replaceFileSync(join(directory, 'Puppetfile'), request.puppetfile);
  await run(request, directory);
  return directory;
}

function digestOf({ puppetfile, installer }: InstallRequest): string {
  const what = JSON.stringify([puppetfile, installer]);
  return createHash('sha256').update(what).digest('hex');
}

async function run(request: InstallRequest, directory: string): Promise<void> {
  const { installer, env } = request;
  const [program = '', ...args] = await commandOf(request, directory);
  if (!(await isProgram(program, env))) throw missing(program);
  const options = {
    cwd: directory,
    env: { ...env, MM_MODULES: join(directory, 'modules') },
    timeout: INSTALL_LIMIT_MS,
    maxBuffer: MAX_OUTPUT,
  };
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(failed(program, `${stdout}${stderr}`.trim() || error.message, installer));
    });
  });
}

async function commandOf(
  { installer, isOwnCode, cacheDirectory, r10kConfig }: InstallRequest,
  directory: string,
): Promise<readonly string[]> {
  const puppetfile = join(directory, 'Puppetfile');
  const modules = join(directory, 'modules');
  if (typeof installer === 'object') return installer.command;
  if (installer === 'g10k') {
    const place = ['-puppetfilelocation', puppetfile, '-moduledir', modules];
    return ['g10k', '-puppetfile', ...place, '-cachedir', join(cacheDirectory, 'g10k')];
  }
  const given = r10kConfig === undefined ? new Document({}) : readR10kConfig(r10kConfig);
  const own = isOwnCode ? r10kConfig : undefined;
  const config = own ?? join(cacheDirectory, 'r10k.yaml');
  if (own === undefined) {
    // With one cache for several r10k.yaml, r10k confuses their repositories. It reads both keys.
    given.delete(':cachedir');
    given.set('cachedir', join(cacheDirectory, 'r10k'));
    replaceFileSync(config, given.toString());
  }
  const place = ['--puppetfile', puppetfile, '--moduledir', modules, '--config', config];
  return ['r10k', 'puppetfile', 'install', ...place];
}

/** Throws CONFIG_INVALID. */
function readR10kConfig(path: string): Document {
  const wrong = (why: string) =>
    new CodedError(`publish.r10k_config: ${why}`, {
      code: 'CONFIG_INVALID',
      next: 'correct that file, or publish.r10k_config in miyamoto.yaml',
    });
  let text: Buffer;
  try {
    text = readNamed(path, MAX_CONFIG_BYTES);
  } catch (error) {
    throw wrong(fileProblem(path, error).why);
  }
  const document = parseDocument(text.toString());
  const [error] = document.errors;
  if (error !== undefined) throw wrong(`${path}: ${error.message}`);
  return document.contents === null ? new Document({}) : document; // empty
}

async function isProgram(program: string, env: Readonly<NodeJS.ProcessEnv>): Promise<boolean> {
  const paths = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const places = program.includes('/') ? [program] : paths.map((path) => join(path, program));
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

const OTHER_WAYS =
  'or set publish.modules to g10k or a command, or publish what r10k deployed: --directory DIR';

function missing(program: string): CodedError {
  if (program.includes('/')) {
    return new CodedError(`publish.modules: ${program} is not a program that you can start`, {
      code: 'CONFIG_INVALID',
      next: 'correct publish.modules in miyamoto.yaml, or chmod +x the program',
    });
  }
  return new CodedError(`the Puppetfile needs ${program}, which is not on the search path`, {
    code: 'RELEASE_INVALID',
    next: `apt-get install ${program}, ${OTHER_WAYS}`,
  });
}

function failed(program: string, output: string, installer: Installer): CodedError {
  const words = lastError(stripVTControlCharacters(output));
  return new CodedError(`${program} did not install the modules of the Puppetfile: ${words}`, {
    code: 'RELEASE_INVALID',
    next: UNREACHABLE.test(words)
      ? 'this machine must reach the sources of the Puppetfile, by HTTPS_PROXY if need be; or deploy elsewhere and publish that: --directory DIR'
      : 'correct the Puppetfile or its sources and publish again; nothing was uploaded',
    details: { installer },
  });
}

/** Of curl, git and Ruby. */
const UNREACHABLE =
  /unable to (connect|look up|access)|could not resolve host|failed to open TCP|timed? ?out|unreachable|connection refused/i;

/** r10k prints the error of each module, and the one that ended it again at the end. */
function lastError(words: string): string {
  return words.slice(Math.max(words.lastIndexOf('\nERROR') + 1, words.length - MAX_WORDS));
}
