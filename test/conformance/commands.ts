import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetFile } from '@tufjs/models';
import { fetchRelease } from '../../agent/steps/fetch/fetch.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { readKept } from '../../trust/kept/trust-directory.ts';
import { refresh } from '../../trust/reader.ts';
import { HttpMetadata, httpTarget } from './http-repository.ts';

/*
 * The client under test drives the agent's own code: the reader of the trusted metadata, and the
 * fetching of tarballs. It adds plain HTTP instead of S3, repositories without a tree, and targets
 * with any name.
 *
 * <metadata-dir>/agent/packaged-root.json    the argument of init
 *                agent/trust/, agent/blobs/  the agent's own folders
 *                root.json, timestamp.json   copies of the trusted files, for the suite to look at
 */
const AGENT = 'agent';
const PACKAGED_ROOT = join(AGENT, 'packaged-root.json');
const TRUST = join(AGENT, 'trust');
const BLOBS = join(AGENT, 'blobs');

/** The agent's default for `releases.max_tarball_bytes`. */
const MAX_TARGET_BYTES = 256 * 1024 ** 2;

export async function init(metadataDir: string, trustedRoot: string): Promise<void> {
  await mkdir(join(metadataDir, AGENT), { recursive: true });
  await copyFile(trustedRoot, join(metadataDir, PACKAGED_ROOT));
  await showTrusted(metadataDir);
}

/** What the verified metadata says about the requested targets, in their order. */
export interface Found {
  readonly targets: readonly (TargetFile | undefined)[];
  /** Whether the names of target files contain their hash. */
  readonly isPrefixed: boolean;
}

/** Updates to the newest state of a repository. Throws what the agent's reader throws. */
export async function update(asked: {
  readonly metadataDir: string;
  readonly metadataUrl: string;
  readonly targetNames: readonly string[];
}): Promise<Found> {
  const { metadataDir, metadataUrl, targetNames } = asked;
  const targets: (TargetFile | undefined)[] = [];
  try {
    const { trusted } = await refresh({
      directory: join(metadataDir, TRUST),
      packagedRoot: await readFile(join(metadataDir, PACKAGED_ROOT)),
      treeId: '',
      environments: [],
      clock: { now: () => Date.now() },
      source: new HttpMetadata(metadataUrl),
      etag: undefined,
      alsoRead: async ({ getTargetInfo }) => {
        for (const name of targetNames) targets.push(await getTargetInfo(name));
      },
    });
    return { targets, isPrefixed: trusted.metadata.root.signed.consistentSnapshot };
  } finally {
    await showTrusted(metadataDir);
  }
}

/**
 * Downloads targets as the agent downloads a tarball. Throws METADATA_MISSING, METADATA_INVALID,
 * BLOB_MISMATCH, S3_*.
 */
export async function download(
  { targets, isPrefixed }: Found,
  to: { readonly metadataDir: string; readonly targetDir: string; readonly baseUrl: string },
): Promise<void> {
  for (const target of targets) {
    if (target === undefined) throw new CodedError('no such target', { code: 'METADATA_MISSING' });
    const { path, length, hashes } = target;
    const { sha256 } = hashes;
    // As the agent requires for a release: no other hash is accepted.
    if (sha256 === undefined)
      throw new CodedError(`${path}: no sha256`, { code: 'METADATA_INVALID' });
    const tarball = await fetchRelease({
      bucket: httpTarget(to.baseUrl, isPrefixed ? prefixed(path, sha256) : path),
      tree: '',
      release: { sha256, length },
      directory: join(to.metadataDir, BLOBS),
      maxBytes: MAX_TARGET_BYTES,
      signal: new AbortController().signal,
    });
    await put(
      join(to.targetDir, `${encodeURIComponent(path)}.target`),
      await readFile(tarball.path),
    );
  }
}

/** TUF 6.2: `a/b.txt` is stored at `a/<hash>.b.txt`. */
function prefixed(path: string, hash: string): string {
  const file = path.lastIndexOf('/') + 1;
  return `${path.slice(0, file)}${hash}.${path.slice(file)}`;
}

/** A correct file keeps its time: the suite uses the time to find what was downloaded last. */
async function put(path: string, bytes: Buffer): Promise<void> {
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(bytes) !== true) writeFileAtomicSync(path, bytes);
}

/** Copies only what the agent trusts, under the names that the suite expects. */
async function showTrusted(metadataDir: string): Promise<void> {
  const { files } = readKept(join(metadataDir, TRUST));
  const shown = new Map([...files].filter(([name]) => !isRoot(name)));
  const newestRoot = [...files.keys()].filter(isRoot).sort(byVersion).at(-1);
  const packagedRoot = await readFile(join(metadataDir, PACKAGED_ROOT));
  shown.set('root.json', files.get(newestRoot ?? '') ?? packagedRoot);
  for (const name of await readdir(metadataDir)) {
    if (name.endsWith('.json') && !shown.has(name)) await rm(join(metadataDir, name));
  }
  for (const [name, bytes] of shown) writeFileAtomicSync(join(metadataDir, name), bytes);
}

function isRoot(name: string): boolean {
  return name.endsWith('.root.json');
}

function byVersion(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}
