import { binaryPrefix, blobPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { isBinariesRole } from '../../../trust/metadata/role-names.ts';
import { isUnreadable } from '../../../trust/metadata/unreadable-role.ts';
import type { CleanAnswer } from '../../clean-answer.ts';
import type { TreeConfig } from '../../config.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { removedBinaries } from '../../metadata/binaries.ts';
import { requireFiles, requireOwnPaths } from '../../metadata/heard-releases.ts';
import { toInstant } from '../../metadata/release-change.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import type { Repository } from '../../repository/repository.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { confirm } from '../confirm.ts';
import { sizeText } from '../size-text.ts';
import { firstSeen } from './first-seen.ts';
import { KEPT_DAYS, KEPT_MS } from './kept.ts';
import { goneWithoutReason, namedNow, namedSince } from './named-blobs.ts';

export interface CleanOptions extends Omit<SigningOptions, 'passphraseFile' | 'passphraseFd'> {
  readonly yes?: boolean | undefined;
}

const MAX_SHOWN = 20;

type Blob = CleanAnswer['removed'][number];

/** Where tarballs and binaries are. Their names begin with the sha256 of their content. */
const PLACES: readonly {
  readonly prefixOf: (tree: string) => string;
  /** The file name after the prefix. What has another form was not written by mm, and stays. */
  readonly name: RegExp;
}[] = [
  { prefixOf: blobPrefix, name: /^([0-9a-f]{64})\.tar\.gz$/ },
  { prefixOf: binaryPrefix, name: /^([0-9a-f]{64})\.[^/]+$/ },
];

/**
 * `mm clean`: removes the tarballs and binaries that nothing has named for 90 days. Files of the
 * signed metadata are never removed: hosts walk the roots, and `mm log` reads the roles.
 */
export async function clean(context: Context, options: CleanOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    // The keys are only read, to distinguish own lists from those of others. `noop` is ignored
    // here, because what this machine sees for the first time must always be recorded.
    const signing = { ...options, noop: false };
    const needs = { environments: 'all', signing } as const;
    return await withRepository(context, tree, needs, async ({ repository }) => {
      const { unnamed, kept, waiting } = await unnamedBlobs(context, tree.config, repository);
      const isNoop = options.noop === true;
      if (!isNoop && unnamed.length > 0) {
        await confirm(context, {
          lines: blobLines(unnamed),
          doubts: [],
          yes: options.yes === true,
          what: `remove ${sizeOf(unnamed)}`,
        });
        await remove(repository, unnamed);
      }
      const document: CleanAnswer = {
        ...{ schemaVersion: 1, bucket: tree.bucket.name, tree: tree.config.tree, kept, waiting },
        outcome: unnamed.length === 0 ? 'unchanged' : isNoop ? 'noop' : 'removed',
        removed: unnamed,
        bytes: bytesOf(unnamed),
      };
      return { document, lines: linesOf(document) };
    });
  });
}

async function unnamedBlobs(
  context: Context,
  config: TreeConfig,
  repository: Repository,
): Promise<Pick<CleanAnswer, 'kept' | 'waiting'> & { readonly unnamed: Blob[] }> {
  const now = context.now();
  const since = now - KEPT_MS;
  const verified = await readOwn(repository);
  const isListed = listsBinaries(verified);
  const all = await listBlobs(repository);
  const blobs = isListed
    ? all
    : all.filter(({ key }) => !key.startsWith(binaryPrefix(repository.tree)));
  const namesOfNow = namedNow(verified);
  const seen = firstSeen(
    config,
    blobs.filter(({ sha256 }) => !namesOfNow.has(sha256)),
    now,
  );
  const named = await namedSince(repository, verified, since);
  for (const { sha256 } of removedBinaries(verified, since)) named.add(sha256);
  // A publication uploads its tarball before anything names it.
  const old = blobs.filter(
    ({ sha256, uploadedAt }) => !named.has(sha256) && Date.parse(uploadedAt) < since,
  );
  const doubtful = await goneWithoutReason(repository, verified, old);
  const waiting = old
    .filter(({ sha256 }) => doubtful.has(sha256))
    .map((blob) => ({ ...blob, until: toInstant((seen.get(blob.key) ?? now) + KEPT_MS) }))
    .filter(({ until }) => Date.parse(until) > now);
  const waits = new Set(waiting.map(({ key }) => key));
  const unnamed = old.filter(({ key }) => !waits.has(key));
  return { unnamed, waiting, kept: blobs.length - unnamed.length };
}

/**
 * Reads the lists. One with foreign paths may belong to another role, and a recovery may have found
 * no list; the binaries of the real list would then be removed.
 */
async function readOwn(repository: Repository): Promise<VerifiedMetadata> {
  const verified = await repository.read();
  for (const role of verified.roles.keys()) requireOwnPaths(verified, role);
  requireFiles(verified);
  return verified;
}

/** An unreadable list may have named any binary, so no binary is removed. */
function listsBinaries({ roles }: VerifiedMetadata): boolean {
  return ![...roles].some(([role, document]) => isBinariesRole(role) && isUnreadable(document));
}

async function listBlobs({ bucket, tree }: TreePlace): Promise<Blob[]> {
  const blobs: Blob[] = [];
  for (const { prefixOf, name } of PLACES) {
    const prefix = prefixOf(tree);
    for await (const { key, size, lastModified } of bucket.list(prefix)) {
      const [, sha256] = name.exec(key.slice(prefix.length)) ?? [];
      if (sha256 === undefined) continue;
      const uploadedAt = new Date(lastModified).toISOString();
      blobs.push({ key, sha256, length: size, uploadedAt });
    }
  }
  return blobs;
}

/**
 * Checks before and after the removal, because another publisher may roll back to one of them
 * meanwhile.
 */
async function remove(repository: Repository, blobs: readonly Blob[]): Promise<void> {
  const { bucket } = repository;
  const before = namedNow(await readOwn(repository));
  for (const { key, sha256 } of blobs) if (!before.has(sha256)) await bucket.remove(key);
  const after = namedNow(await repository.read());
  const missed = blobs.find(({ sha256 }) => after.has(sha256) && !before.has(sha256));
  if (missed === undefined) return;
  const { key } = missed;
  throw new CodedError(`somebody published s3://${bucket.name}/${key} while it was removed`, {
    code: 'RELEASE_INVALID',
    next: 'restore its object version, or publish another release: hosts cannot get this one',
    details: { key },
  });
}

function bytesOf(blobs: readonly Blob[]): number {
  return blobs.reduce((sum, { length }) => sum + length, 0);
}

function filesText(count: number): string {
  return counted(count, 'tarball or binary', 'tarballs and binaries');
}

function sizeOf(blobs: readonly Blob[]): string {
  return `${filesText(blobs.length)}, ${sizeText(bytesOf(blobs))}`;
}

function blobLines(blobs: readonly Blob[]): string[] {
  return shown(
    blobs,
    ({ key, length, uploadedAt }) => `${fileOf(key)}, ${sizeText(length)}, of ${uploadedAt}`,
  );
}

function shown<T>(entries: readonly T[], lineOf: (entry: T) => string): string[] {
  const more = entries.length - MAX_SHOWN;
  return [...entries.slice(0, MAX_SHOWN).map(lineOf), ...(more > 0 ? [`and ${more} more`] : [])];
}

/** Without `.tar.gz`, which every tarball has. */
function fileOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).replace(/\.tar\.gz$/, '');
}

function linesOf({ outcome, removed, kept, waiting }: CleanAnswer): string[] {
  const verb = outcome === 'noop' ? 'would remove' : 'removed';
  const lines =
    outcome === 'unchanged'
      ? [`nothing to remove; kept: ${filesText(kept)}`]
      : [`${verb} ${sizeOf(removed)}; kept: ${kept}`, ...blobLines(removed)];
  if (waiting.length === 0) return lines;
  return [
    ...lines,
    `${waiting.length} of those are no longer named, and no key of this machine removed their names. mm keeps them for ${KEPT_DAYS} days after mm clean saw that here for the first time:`,
    ...shown(waiting, ({ key, until }) => `${fileOf(key)}, until ${until}`),
  ];
}
