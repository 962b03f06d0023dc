import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../packaging/build.ts';
import { copyCheckoutTo } from '../support/copy-checkout.ts';

/** A copy of the checkout, uncommitted work included, that can be changed. */
export interface Workplace extends AsyncDisposable {
  readonly directory: string;
}

export async function copyCheckout(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'mm-guards-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  await copyCheckoutTo(directory);
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
