import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { PATH } from './lab.ts';

/**
 * Programs to compare with, and the Debian packages that contain them. ansible uses apt through
 * python3-apt.
 */
const PACKAGES = {
  s3cmd: ['s3cmd'],
  aws: ['awscli'],
  git: ['git'],
  'ansible-pull': ['ansible-core', 'python3-apt'],
} as const;
export type Tool = keyof typeof PACKAGES;

/**
 * Searches only the directories of packages: the shims of a version manager would cost time in each
 * call.
 */
export async function isInstalled(tool: Tool): Promise<boolean> {
  for (const directory of PATH.split(':')) {
    const found = await access(join(directory, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** The text for the row of a missing tool. */
export function howToInstall(tool: Tool): string {
  return `${tool} is not installed; "npm run bench -- --install" does that`;
}

/** Installs the missing tools by apt, as root. Reports and skips what is not available. */
export async function installMissing(say: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const tool of Object.keys(PACKAGES) as Tool[]) {
    if (!(await isInstalled(tool))) missing.push(...PACKAGES[tool]);
  }
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')} by apt`);
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...missing];
  const isDone = (await apt(['update', '-qq'])) && (await apt(install));
  if (!isDone) say('apt could not install all of them; what is missing is left out');
}

async function apt(words: readonly string[]): Promise<boolean> {
  const child = spawn('apt-get', words, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}
