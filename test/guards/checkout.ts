import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/** A copy of the checkout, uncommitted work included, that can be changed. */
export interface Workplace extends AsyncDisposable {
  readonly directory: string;
}

export async function copyCheckout(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'mm-guards-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await promisify(execFile)('git', listing, {
    cwd: ROOT,
    maxBuffer: 64 * 1024 ** 2,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    // Listed but missing: it was removed, and git does not know yet.
    await cp(join(ROOT, file), join(directory, file), { verbatimSymlinks: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      },
    );
  }
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return {
    directory,
    async [Symbol.asyncDispose]() {
      process.off('exit', remove);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type Mutation =
  | ({ readonly kind: 'made' } & AsyncDisposable)
  | { readonly kind: 'not-once'; readonly times: number };

/** Replaces a line until disposed. */
export async function mutate(
  path: string,
  { line, instead }: { readonly line: string; readonly instead: string },
): Promise<Mutation> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const parts = text.split(line);
  if (parts.length !== 2) return { kind: 'not-once', times: parts.length - 1 };
  await writeFile(path, parts.join(instead));
  return { kind: 'made', [Symbol.asyncDispose]: () => writeFile(path, text) };
}
