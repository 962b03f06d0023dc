import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';
import type { ReleaseFile } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { CHECKOUT_MARK } from '../files/checked-out.ts';
import { OWN_FILES, parentsOf } from './check.ts';
import { contentOf } from './tree/spool.ts';
import { LIMITS, type SourceTree, type TreeEntry } from './tree/tree.ts';

/*
 * A release: source/ reads the files of a ref, a work tree or a directory into a tree (tree/),
 * modules/ adds the modules of a Puppetfile, check.ts and validate.ts refuse what hosts would
 * refuse, and this file packs the tree.
 */

/** A release as it goes into the bucket. */
export interface Tarball {
  readonly sha256: string;
  readonly length: number;
  readonly path: string;
}

export interface ReleaseLabel {
  readonly environment: string;
  readonly version: string;
}

const BLOCK = 512;
/** Ten bytes; the last one is the system on which the file was made. */
const GZIP_HEADER_BYTES = 10;
const UNKNOWN_SYSTEM = 255;

/**
 * Packs the tree with `release.json` and the file of r10k into a tarball in `directory`. The same
 * tree and label give the same bytes on every machine: entries sorted by byte, one time for all, no
 * owner, only the modes 0755 and 0644, no time and no system in the gzip header. A release of any
 * size needs little memory. Throws ARCHIVE_TOO_LARGE.
 */
export async function packRelease(
  tree: SourceTree,
  label: ReleaseLabel,
  directory: string,
): Promise<Tarball> {
  const path = join(await mkdtemp(join(directory, 'tarball-')), 'release.tar.gz');
  const hash = createHash('sha256');
  let length = 0;
  await pipeline(
    Readable.from(packTar(tree, label), { objectMode: false }),
    createGzip({ level: constants.Z_BEST_COMPRESSION }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of withoutSystem(chunks)) {
        hash.update(chunk);
        length += chunk.length;
        if (length > LIMITS.tarballBytes) throw tooLarge();
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  return { sha256: hash.digest('hex'), length, path };
}

async function* withoutSystem(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let at = 0;
  for await (const chunk of chunks) {
    const index = GZIP_HEADER_BYTES - 1 - at;
    if (index >= 0 && index < chunk.length) chunk[index] = UNKNOWN_SYSTEM;
    at += chunk.length;
    yield chunk;
  }
}

function tooLarge(): CodedError {
  return new CodedError(
    `the tarball has more than ${LIMITS.tarballBytes} bytes, the limit of hosts`,
    { code: 'ARCHIVE_TOO_LARGE', next: 'put large files below binaries/' },
  );
}

/** The tar stream, not compressed. */
export function* packTar(tree: SourceTree, label: ReleaseLabel): Iterable<Buffer> {
  const entries = withOwnFiles(tree, label);
  const directories = new Set(entries.flatMap(({ path }) => parentsOf(path)));
  const byPath = new Map<string, TreeEntry | undefined>(
    [...directories].map((path) => [path, undefined]),
  );
  for (const entry of entries) byPath.set(entry.path, entry);
  const mtime = tree.committedAt ?? new Date(0);
  const sorted = [...byPath]
    .map(([path, entry]) => ({ path: Buffer.from(path), entry }))
    .sort((a, b) => Buffer.compare(a.path, b.path));
  for (const { path, entry } of sorted) yield* entryBlocks(path.toString('utf8'), entry, mtime);
  yield Buffer.alloc(2 * BLOCK);
}

/** The entries of a release: those of the tree, and the files that mm writes into every release. */
export function withOwnFiles(tree: SourceTree, label: ReleaseLabel): readonly TreeEntry[] {
  const written: readonly string[] = [OWN_FILES.r10k, CHECKOUT_MARK];
  const others = tree.entries.filter(({ path }) => !written.includes(path));
  return [...others, ...ownEntries(tree, label)];
}

function ownEntries(tree: SourceTree, { environment, version }: ReleaseLabel): TreeEntry[] {
  const { commit, ref } = tree;
  const committedAt = tree.committedAt?.toISOString() ?? null;
  const modules = (tree.modules ?? []).map((module) => ({ ...module }));
  const release: ReleaseFile = {
    ...{ environment, version, commit, ref, committedAt },
    ...(modules.length > 0 && { modules }),
  };
  // The config_version scripts of many control repositories read this file.
  const r10k = {
    name: environment,
    signature: commit ?? version,
    started_at: committedAt,
    finished_at: committedAt,
  };
  return [jsonFile(OWN_FILES.release, release), jsonFile(OWN_FILES.r10k, r10k)];
}

function jsonFile(path: string, document: unknown): TreeEntry {
  const content = contentOf(Buffer.from(`${JSON.stringify(document, null, 2)}\n`));
  return { kind: 'file', path, isExecutable: false, content };
}

/** `entry` undefined: a directory. */
function* entryBlocks(path: string, entry: TreeEntry | undefined, mtime: Date): Iterable<Buffer> {
  if (entry === undefined) {
    return yield* headerBlocks({ path: `${path}/`, type: 'Directory', mode: 0o755, mtime });
  }
  if (entry.kind === 'link') {
    const link: HeaderData = { type: 'SymbolicLink', linkpath: entry.target };
    return yield* headerBlocks({ path, ...link, mode: 0o777, mtime });
  }
  const { content, isExecutable } = entry;
  const mode = isExecutable ? 0o755 : 0o644;
  yield* headerBlocks({ path, type: 'File', mode, mtime, size: content.length });
  yield* content.chunks();
  const padding = (BLOCK - (content.length % BLOCK)) % BLOCK;
  if (padding > 0) yield Buffer.alloc(padding);
}

/** With an extended header only where the plain header is too small. */
function headerBlocks(given: HeaderData): Buffer[] {
  const fields: HeaderData = { uid: 0, gid: 0, size: 0, uname: '', gname: '', ...given };
  const block = Buffer.alloc(BLOCK);
  if (!new Header(fields).encode(block)) return [block];
  const { path, linkpath, mtime } = given;
  const extended = new Pax({
    ...(path !== undefined && { path }),
    ...(linkpath !== undefined && { linkpath }),
    ...(mtime !== undefined && { mtime }),
  });
  return [extended.encode(), block];
}
