import type { TestContext } from 'node:test';
import { parseEnvironmentConf } from '../../../bucket/documents/environment-conf.ts';
import { assertPublishable } from '../../../operator/release/check.ts';
import { packRelease, type Tarball } from '../../../operator/release/pack.ts';
import type { GitPlace } from '../../../operator/release/source/git.ts';
import { PublishSettings } from '../../../operator/release/source/publish-settings.ts';
import { readSource, type Source } from '../../../operator/release/source/read-source.ts';
import { contentOf, Spool } from '../../../operator/release/tree/spool.ts';
import type { SourceTree, TreeEntry } from '../../../operator/release/tree/tree.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

export function file(path: string, text: string | Buffer = '', isExecutable = false): TreeEntry {
  return { kind: 'file', path, isExecutable, content: contentOf(Buffer.from(text)) };
}

export function link(path: string, target: string): TreeEntry {
  return { kind: 'link', path, target };
}

/** A small environment from one commit. */
export function sourceTree(...more: readonly TreeEntry[]): SourceTree {
  return {
    entries: [file('manifests/site.pp', 'node default { }\n'), ...more],
    emptySubmodules: [],
    withheld: [],
    commit: '0123456789abcdef0123456789abcdef01234567',
    ref: 'main',
    committedAt: new Date('2026-03-01T12:00:00Z'),
  };
}

/** What `mm publish` reads: a ref, or the work tree. */
export async function read(
  t: TestContext,
  place: GitPlace,
  ref: string | undefined,
  settings: Partial<PublishSettings> = {},
): Promise<Source> {
  const directory = await temporaryDirectory(t);
  const spool = new Spool(directory);
  t.after(() => spool[Symbol.dispose]());
  const all = PublishSettings.parse(settings);
  const cacheDirectory = await temporaryDirectory(t);
  return await readSource({ place, ref, settings: all, spool, directory, cacheDirectory });
}

/** The checks of `mm publish`. */
export function check(tree: SourceTree, settings: Partial<PublishSettings> = {}): void {
  const { allow_private_keys: allowedPrivateKeys, links } = PublishSettings.parse(settings);
  const conf = tree.entries.find(({ path }) => path === 'environment.conf');
  const text = conf?.kind === 'file' ? conf.content.read().toString() : '';
  assertPublishable(tree, {
    ...{ conf: parseEnvironmentConf(text), names: 'portable', links, allowedPrivateKeys },
  });
}

export async function pack(
  t: TestContext,
  tree: SourceTree,
  label = { environment: 'stable', version: '1.2.3' },
): Promise<Tarball> {
  return await packRelease(tree, label, await temporaryDirectory(t));
}

/** The content of a file in the source. */
export function textOf({ tree }: Pick<Source, 'tree'>, path: string): string | undefined {
  const entry = tree.entries.find((each) => each.path === path);
  return entry?.kind === 'file' ? entry.content.read().toString() : undefined;
}
