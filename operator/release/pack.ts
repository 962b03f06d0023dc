import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';
import type { ReleaseFile } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { OWN_FILES, parentsOf } from './check.ts';
import { LIMITS, type SourceTree, type TreeEntry } from './tree.ts';

/** A release as it goes into the bucket. */
export interface Tarball {
  readonly sha256: string;
  readonly bytes: Buffer;
}

export interface ReleaseLabel {
  readonly environment: string;
  readonly version: string;
}

const BLOCK = 512;

/**
 * The tree as a tarball, with `release.json` and r10k's file beside it. The same tree and label give the same bytes:
 * sorted by byte, one time for all, no owner, modes 0755 and 0644 only, no time and no system in gzip's header. Throws
 * ARCHIVE_TOO_LARGE.
 */
export async function packRelease(tree: SourceTree, label: ReleaseLabel): Promise<Tarball> {
  const compressed = await promisify(gzip)(packTar(tree, label), {
    level: constants.Z_BEST_COMPRESSION,
  });
  compressed[9] = 255; // the system's number: unknown
  if (compressed.length > LIMITS.tarballBytes) {
    throw new CodedError(
      `the tarball has ${compressed.length} bytes, hosts take ${LIMITS.tarballBytes}`,
      { code: 'ARCHIVE_TOO_LARGE', next: 'put large files below binaries/' },
    );
  }
  const sha256 = createHash('sha256').update(compressed).digest('hex');
  return { sha256, bytes: compressed };
}

/** The same, not compressed. */
export function packTar(tree: SourceTree, label: ReleaseLabel): Buffer {
  const entries = [...withoutOwn(tree.entries), ...ownEntries(tree, label)];
  const directories = new Set(entries.flatMap(({ path }) => parentsOf(path)));
  const byPath = new Map<string, TreeEntry | undefined>(
    [...directories].map((path) => [path, undefined]),
  );
  for (const entry of entries) byPath.set(entry.path, entry);
  const mtime = tree.committedAt ?? new Date(0);
  const blocks = [...byPath]
    .map(([path, entry]) => ({ path: Buffer.from(path), entry }))
    .sort((a, b) => Buffer.compare(a.path, b.path))
    .flatMap(({ path, entry }) => entryBlocks(path.toString('utf8'), entry, mtime));
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function withoutOwn(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return entries.filter(({ path }) => path !== OWN_FILES.r10k);
}

function ownEntries(tree: SourceTree, { environment, version }: ReleaseLabel): TreeEntry[] {
  const { commit, ref } = tree;
  const committedAt = tree.committedAt?.toISOString() ?? null;
  const release: ReleaseFile = { environment, version, commit, ref, committedAt };
  // What config_version scripts of control repositories read.
  const r10k = {
    name: environment,
    signature: commit ?? version,
    started_at: committedAt,
    finished_at: committedAt,
  };
  return [jsonFile(OWN_FILES.release, release), jsonFile(OWN_FILES.r10k, r10k)];
}

function jsonFile(path: string, document: unknown): TreeEntry {
  const content = Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
  return { kind: 'file', path, isExecutable: false, content };
}

/** `entry` undefined: a directory. */
function entryBlocks(path: string, entry: TreeEntry | undefined, mtime: Date): Buffer[] {
  if (entry === undefined) {
    return headerBlocks({ path: `${path}/`, type: 'Directory', mode: 0o755, mtime });
  }
  if (entry.kind === 'link') {
    return headerBlocks({ path, type: 'SymbolicLink', mode: 0o777, mtime, linkpath: entry.target });
  }
  const { content, isExecutable } = entry;
  const mode = isExecutable ? 0o755 : 0o644;
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  const head = headerBlocks({ path, type: 'File', mode, mtime, size: content.length });
  return [...head, content, padding];
}

/** With an extended header only where the plain one cannot say it. */
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
