import { type ExecFileException, execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { EnvironmentConf } from '../../bucket/documents/environment-conf.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import { isLoadedManifest } from './loaded.ts';
import type { FileEntry, SourceTree } from './tree.ts';

export type Validation =
  | { readonly kind: 'valid'; readonly manifests: number }
  | { readonly kind: 'skipped'; readonly why: string };

/** A command line must stay far below the limit of every system. */
const MANIFESTS_PER_RUN = 250;
const TIME_LIMIT_MS = 10 * 60_000;
const MAX_OUTPUT = 1024 * 1024;
const MAX_LINES = 20;

/**
 * Lets the Puppet of this machine parse every manifest that Puppet would load; `puppet apply` loads
 * no plans. Throws RELEASE_INVALID with the message of Puppet. Skipped where no Puppet is
 * installed.
 */
export async function validateManifests(
  tree: SourceTree,
  conf: EnvironmentConf,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Validation> {
  const puppet = await findPuppet(env);
  if (puppet === undefined) {
    return { kind: 'skipped', why: 'no puppet in /opt/puppetlabs/bin or on the search path' };
  }
  const manifests = tree.entries.filter(
    (entry): entry is FileEntry => entry.kind === 'file' && isLoadedManifest(entry.path, conf),
  );
  await withTemporaryDirectory('validate', async (directory) => {
    for (let at = 0; at < manifests.length; at += MANIFESTS_PER_RUN) {
      const batch = manifests.slice(at, at + MANIFESTS_PER_RUN);
      await validate(puppet, directory, { env, batch });
    }
  });
  return { kind: 'valid', manifests: manifests.length };
}

async function findPuppet(env: Readonly<NodeJS.ProcessEnv>): Promise<string | undefined> {
  const directories = ['/opt/puppetlabs/bin', ...(env['PATH'] ?? '').split(delimiter)];
  for (const directory of directories.filter(Boolean)) {
    const path = join(directory, 'puppet');
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

async function validate(
  puppet: string,
  directory: string,
  { env, batch }: { env: Readonly<NodeJS.ProcessEnv>; batch: readonly FileEntry[] },
): Promise<void> {
  const tree = join(directory, 'tree');
  for (const { path, content } of batch) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content.read());
  }
  // Own directories, so that neither puppet.conf nor a cache of this machine counts.
  const own = ['confdir', 'vardir', 'codedir', 'logdir', 'rundir'];
  const args = ['parser', 'validate', '--color=false'];
  args.push(...own.map((name) => `--${name}=${join(directory, name)}`));
  args.push(...batch.map(({ path }) => join(tree, path)));
  const { error, output } = await run(puppet, args, { ...env, LC_ALL: 'C.UTF-8' });
  if (error === null) return;
  const [first = '', ...rest] = linesOf(output, `${tree}/`, error);
  throw new CodedError([`puppet does not parse it: ${first}`, ...rest], {
    code: 'RELEASE_INVALID',
    cause: error,
    next: 'correct the manifests and publish again; nothing was uploaded',
  });
}

function run(
  puppet: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ error: ExecFileException | null; output: string }> {
  const options = { env, timeout: TIME_LIMIT_MS, maxBuffer: MAX_OUTPUT };
  return new Promise((resolve) => {
    execFile(puppet, args, options, (error, stdout, stderr) => {
      resolve({ error, output: `${stderr}${stdout}` });
    });
  });
}

function linesOf(output: string, tree: string, error: ExecFileException): string[] {
  const lines = output
    .replaceAll(tree, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes("Try 'puppet help"));
  return lines.length === 0 ? [error.message] : lines.slice(0, MAX_LINES);
}
