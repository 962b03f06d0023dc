import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { PuppetfileModule } from './puppetfile.ts';

/** What installs the modules of a Puppetfile. */
export type Installer = 'r10k' | 'g10k' | { readonly command: readonly string[] };

export interface InstallRequest {
  readonly installer: Installer;
  readonly puppetfile: string;
  readonly modules: readonly PuppetfileModule[];
  /** Kept between publications, and outside of every work tree. */
  readonly cacheDirectory: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

const TIME_LIMIT_MS = 30 * 60_000;
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_WORDS = 1500;

/**
 * Installs the modules and returns their directory. A Puppetfile whose versions are all exact is
 * installed once: as long as it does not change, no program starts and no network is needed. Throws
 * RELEASE_INVALID with the message of the installer.
 */
export async function installModules(request: InstallRequest): Promise<string> {
  const { cacheDirectory, puppetfile, modules } = request;
  const directory = join(cacheDirectory, 'modules');
  const stamp = join(cacheDirectory, 'installed');
  const isExact = modules.every((module) => module.isExact || module.isLocal);
  const wanted = digestOf(request);
  if (isExact && (await readFile(stamp, 'utf8').catch(() => '')) === wanted) return directory;
  await mkdir(directory, { recursive: true });
  await writeFile(join(cacheDirectory, 'Puppetfile'), puppetfile);
  await run(request, directory);
  // Must be last: a stamp means that everything was installed.
  writeFileAtomicSync(stamp, wanted);
  return directory;
}

function digestOf({ puppetfile, installer }: InstallRequest): string {
  const what = JSON.stringify([puppetfile, installer]);
  return createHash('sha256').update(what).digest('hex');
}

async function run(request: InstallRequest, directory: string): Promise<void> {
  const { installer, cacheDirectory, env } = request;
  const [program = '', ...args] = await commandOf(request, directory);
  if (!program.includes('/') && !(await isOnPath(program, env))) throw missing(program);
  const options = {
    cwd: cacheDirectory,
    env: { ...env, MM_MODULES: directory },
    timeout: TIME_LIMIT_MS,
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
  { installer, cacheDirectory }: InstallRequest,
  directory: string,
): Promise<readonly string[]> {
  const puppetfile = join(cacheDirectory, 'Puppetfile');
  if (typeof installer === 'object') return installer.command;
  if (installer === 'g10k') {
    const place = ['-puppetfilelocation', puppetfile, '-moduledir', directory];
    return ['g10k', '-puppetfile', ...place, '-cachedir', join(cacheDirectory, 'g10k')];
  }
  const config = join(cacheDirectory, 'r10k.yaml');
  await writeFile(config, `cachedir: ${JSON.stringify(join(cacheDirectory, 'r10k'))}\n`);
  const place = ['--puppetfile', puppetfile, '--moduledir', directory, '--config', config];
  return ['r10k', 'puppetfile', 'install', ...place];
}

async function isOnPath(program: string, env: Readonly<NodeJS.ProcessEnv>): Promise<boolean> {
  for (const directory of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const isThere = await access(join(directory, program)).then(
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
  return new CodedError(`the Puppetfile needs ${program}, which is not on the search path`, {
    code: 'RELEASE_INVALID',
    next: `apt-get install ${program}, ${OTHER_WAYS}`,
  });
}

function failed(program: string, words: string, installer: Installer): CodedError {
  const last = words.slice(-MAX_WORDS);
  return new CodedError(`${program} did not install the modules of the Puppetfile: ${last}`, {
    code: 'RELEASE_INVALID',
    next: `correct the Puppetfile or its sources and publish again; nothing was uploaded`,
    details: { installer },
  });
}
