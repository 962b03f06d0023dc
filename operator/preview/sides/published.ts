import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadEntry } from 'tar/read-entry';
import { readArchive } from '../../../bucket/archive/read-archive.ts';
import { UnpackRules, type UnpackRulesOptions } from '../../../bucket/archive/unpack-rules.ts';
import {
  type EnvironmentConf,
  parseEnvironmentConf,
} from '../../../bucket/documents/environment-conf.ts';
import { type OfferedRelease, ReleaseFile } from '../../../bucket/documents/release.ts';
import type { NameRules } from '../../../bucket/documents/tree-rules.ts';
import { blobKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { parseJson } from '../../../shared/json.ts';
import { OWN_FILES } from '../../release/check.ts';
import { ExcludeRules } from '../../release/tree/exclude.ts';
import type { Spool } from '../../release/tree/spool.ts';
import { LIMITS, type SourceTree, type TreeEntry } from '../../release/tree/tree.ts';
import { TreeBuilder } from '../../release/tree/tree-builder.ts';
import { isMissing, type TreePlace } from '../../repository/stored-files.ts';

/** Where releases are, what their hosts can unpack, and who hears what those refuse. */
export interface ReleasePlace extends TreePlace {
  readonly names: NameRules;
  notice(line: string): void;
}

/** A release as its tarball has it. */
export interface PublishedTree {
  readonly tree: SourceTree;
  readonly conf: EnvironmentConf;
}

const EVERYTHING = { moduleDirectories: [], ignoreFile: '', configured: [] };

/**
 * Reads a release from the bucket. Its content is read only after the tarball was verified. Throws
 * RELEASE_INVALID when it is missing, BLOB_MISMATCH when it is not the one that was signed,
 * ARCHIVE_*. `directory` is temporary and empty. What only the hosts of this tree refuse is read,
 * so that a person can look at it, and named.
 */
export async function readPublished(
  place: ReleasePlace,
  release: OfferedRelease,
  { spool, directory }: { readonly spool: Spool; readonly directory: string },
): Promise<PublishedTree> {
  const path = join(directory, 'release.tar.gz');
  await download(place, release, path);
  const { links = 'refuse' } = release.custom;
  const { entries, refused } = await unpacked(path, spool, { names: place.names, links }).catch(
    (error: unknown) => {
      throw unreadable(place, release, error);
    },
  );
  const [first] = refused;
  if (first !== undefined) {
    const more = refused.length === 1 ? '' : `, and ${refused.length - 1} more`;
    place.notice(`hosts refuse release ${release.custom.version}: ${first}${more}`);
  }
  const conf = parseEnvironmentConf(textOf(entries, 'environment.conf') ?? '');
  const { commit } = release.custom;
  const { modules, ref } = ownFileOf(entries);
  const nothing = { emptySubmodules: [], withheld: [], committedAt: null };
  return { tree: { entries, modules, commit, ref, ...nothing }, conf };
}

/**
 * By the rules of hosts and their default limits: the signer of the release may be hostile.
 * `refused`: why the hosts of this tree do not unpack it, for each entry.
 */
async function unpacked(
  path: string,
  spool: Spool,
  ofHosts: Pick<UnpackRulesOptions, 'names' | 'links'>,
): Promise<{ readonly entries: readonly TreeEntry[]; readonly refused: readonly string[] }> {
  const builder = new TreeBuilder(spool, new ExcludeRules(EVERYTHING));
  // write-tree.ts and the comparison of sides decide on links that leave the release.
  const rules = new UnpackRules({ maxFiles: LIMITS.entries, names: 'any', links: 'keep' });
  const hostRules = new UnpackRules({ maxFiles: LIMITS.entries, ...ofHosts });
  const refused: string[] = [];
  const { signal } = new AbortController();
  const onEntry = (entry: ReadEntry): void => {
    addEntry(entry, rules, builder);
    const why = refusalOf(entry, hostRules);
    if (why !== undefined) refused.push(why);
  };
  await readArchive({ path, maxBytes: LIMITS.bytes, signal, onEntry });
  return { entries: builder.entries, refused };
}

function refusalOf(entry: ReadEntry, rules: UnpackRules): string | undefined {
  try {
    rules.check(entry);
    return undefined;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return error.message;
  }
}

function addEntry(entry: ReadEntry, rules: UnpackRules, builder: TreeBuilder): void {
  const safe = rules.check(entry);
  if (safe?.kind === 'file') {
    const writer = builder.file(safe.path, safe.isExecutable);
    entry.on('data', (chunk) => writer.write(chunk));
    entry.on('end', () => writer.end());
    return;
  }
  if (safe?.kind === 'link') builder.link(safe.path, safe.target);
  entry.resume();
}

function unreadable({ bucket, tree }: TreePlace, release: OfferedRelease, cause: unknown): unknown {
  if (!(cause instanceof CodedError) || !cause.code.startsWith('ARCHIVE_')) return cause;
  const { sha256, custom } = release;
  const where = `s3://${bucket.name}/${blobKey(tree, sha256)}`;
  return new CodedError(`release ${custom.version}, ${where}: ${cause.message}`, {
    code: cause.code,
    cause,
    next: 'find out who signed it, then mm publish ENVIRONMENT --force',
    details: cause.details,
  });
}

async function download(place: TreePlace, release: OfferedRelease, path: string): Promise<void> {
  const { sha256, length } = release;
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    await open(place, release),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > length) throw mismatch(place, release, `more than ${length} bytes`);
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  const found = hash.digest('hex');
  if (found !== sha256) throw mismatch(place, release, `${bytes} bytes with sha256 ${found}`);
}

async function open(
  { bucket, tree }: TreePlace,
  { sha256, custom }: OfferedRelease,
): Promise<Readable> {
  const key = blobKey(tree, sha256);
  try {
    return (await bucket.open(key)).body;
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    const what = `the tarball of release ${custom.version} is missing`;
    throw new CodedError(`${what}: s3://${bucket.name}/${key}`, {
      code: 'RELEASE_INVALID',
      cause,
      next: "bring the object back from the bucket's versions, or name another release",
    });
  }
}

function mismatch({ bucket, tree }: TreePlace, release: OfferedRelease, found: string): CodedError {
  const { sha256, length, custom } = release;
  const where = `s3://${bucket.name}/${blobKey(tree, sha256)}`;
  const wanted = `${length} bytes with sha256 ${sha256}`;
  return new CodedError(
    `${where} is not the tarball of release ${custom.version}: wanted ${wanted}, found ${found}`,
    {
      code: 'BLOB_MISMATCH',
      next: 'find out who wrote it, then mm publish ENVIRONMENT --force',
    },
  );
}

function ownFileOf(entries: readonly TreeEntry[]): Required<Pick<SourceTree, 'modules' | 'ref'>> {
  // A release that mm did not make may have no such file.
  const parsed = ReleaseFile.safeParse(parseJson(textOf(entries, OWN_FILES.release)));
  if (!parsed.success) return { modules: [], ref: null };
  const { modules = [], ref } = parsed.data;
  return {
    ref,
    modules: modules.map(({ name, version, source, commit }) => ({
      name,
      version,
      source,
      commit,
    })),
  };
}

function textOf(entries: readonly TreeEntry[], wanted: string): string | undefined {
  const entry = entries.find(({ path }) => path === wanted);
  return entry?.kind === 'file' ? entry.content.read().toString('utf8') : undefined;
}
