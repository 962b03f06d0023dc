import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CodedError } from '../../../shared/coded-error.ts';
import { orUndefined } from '../../../shared/files.ts';
import type { FileEntry } from '../tree/tree.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { type GitPlace, gitAnswer } from './git.ts';

/** Where filtered files come from. */
export interface FilterSource {
  readonly place: GitPlace;
  readonly commonDirectory: string;
  /** Path relative to the place, to the name of its filter. */
  readonly filterOf: ReadonlyMap<string, string | undefined>;
}

export interface FilterOptions {
  /** The place's path in the tree: empty, or with "/" at its end. */
  readonly prefix: string;
  /** `publish.filters`. */
  readonly filters: readonly string[];
}

/**
 * Handles files that git would transform on checkout: git-lfs replaces a pointer by the real file,
 * git-crypt decrypts. Whether that happens depends on the machine, so a filter runs only when
 * `publish.filters` names it; otherwise its files are withheld. Throws RELEASE_INVALID when a named
 * filter cannot give the content.
 */
export async function applyFilters(
  builder: TreeBuilder,
  source: FilterSource,
  { prefix, filters }: FilterOptions,
): Promise<void> {
  const filtered = builder.entries.flatMap((entry) => {
    const filter = entry.path.startsWith(prefix)
      ? source.filterOf.get(entry.path.slice(prefix.length))
      : undefined;
    return entry.kind === 'link' || filter === undefined ? [] : [{ entry, filter }];
  });
  for (const { entry, filter } of filtered) {
    if (!filters.includes(filter)) {
      const allow = `publish.filters: [${filter}]`;
      builder.withhold(entry.path, `has the git filter "${filter}": set ${allow}, or exclude it`);
    } else if (filter === 'lfs') {
      await replacePointer(builder, entry, source, entry.path.slice(prefix.length));
    } else {
      await smudge(builder, entry, {
        place: source.place,
        filter,
        path: entry.path.slice(prefix.length),
      });
    }
  }
}

/** What a git-lfs pointer says of the real file. */
export interface Pointer {
  readonly sha256: string;
  readonly length: number;
}

const MAX_POINTER_BYTES = 1024;
const POINTER =
  /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v\d+\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n(?:.*\n)*?size (\d+)\n/;

/** Undefined for content that is not a git-lfs pointer. */
export function parsePointer({ content }: Pick<FileEntry, 'content'>): Pointer | undefined {
  if (content.length > MAX_POINTER_BYTES) return undefined;
  const [, sha256, length] = POINTER.exec(content.read().toString('latin1')) ?? [];
  return sha256 === undefined ? undefined : { sha256, length: Number(length) };
}

/** Puts the real file in the place of its pointer, and compares it with the pointer's sha256. */
async function replacePointer(
  builder: TreeBuilder,
  entry: FileEntry,
  { place, commonDirectory }: FilterSource,
  path: string,
): Promise<void> {
  const pointer = parsePointer(entry);
  if (pointer === undefined) return; // committed without git-lfs, or checked out already
  const stored = await storedFile(place, commonDirectory, pointer);
  if (stored === undefined)
    return await smudge(builder, entry, { place, filter: 'lfs', path, pointer });
  await copyInto(builder, entry, createReadStream(stored), pointer);
}

/** The file in git-lfs's own store, where `git lfs fetch` puts it. */
async function storedFile(
  place: GitPlace,
  commonDirectory: string,
  { sha256 }: Pointer,
): Promise<string | undefined> {
  const configured = (await gitAnswer(place, ['config', '--get', 'lfs.storage'])) ?? 'lfs';
  const store = isAbsolute(configured) ? configured : join(commonDirectory, configured);
  const path = join(store, 'objects', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  return orUndefined(() => statSync(path).isFile()) === true ? path : undefined;
}

interface Smudge {
  readonly place: GitPlace;
  readonly filter: string;
  /** Relative to the place. */
  readonly path: string;
  readonly pointer?: Pointer;
}

/**
 * Runs the filter's own program, as the user's git is configured, on the content in the repository.
 */
async function smudge(
  builder: TreeBuilder,
  entry: FileEntry,
  { place, filter, path, pointer }: Smudge,
): Promise<void> {
  const command = await gitAnswer(place, ['config', '--get', `filter.${filter}.smudge`]);
  if (command === undefined || command === '') {
    throw unfiltered(entry, `git's configuration has no filter.${filter}.smudge`, filter);
  }
  // A function: in a text, `$'` and the like would stand for parts of the command.
  const shell = command.replaceAll('%f', () => `'${path.replaceAll("'", "'\\''")}'`);
  const child = spawn('sh', ['-c', shell], {
    cwd: place.directory,
    env: place.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined); // a filter need not read everything
  child.stdin.end(entry.content.read());
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const words = text(child.stderr);
  try {
    await copyInto(builder, entry, child.stdout, pointer);
    const exitCode = await ended;
    if (exitCode !== 0) {
      const why = (await words).trim().slice(0, 1000) || `exit code ${exitCode}`;
      throw unfiltered(entry, why, filter);
    }
  } finally {
    child.kill();
    await ended.catch(() => undefined);
  }
}

async function copyInto(
  builder: TreeBuilder,
  entry: FileEntry,
  stream: AsyncIterable<Buffer>,
  pointer: Pointer | undefined,
): Promise<void> {
  const hash = createHash('sha256');
  const writer = builder.replace(entry);
  let length = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    length += chunk.length;
    writer.write(chunk);
  }
  if (
    pointer !== undefined &&
    (length !== pointer.length || hash.digest('hex') !== pointer.sha256)
  ) {
    throw unfiltered(entry, 'the file is not the one that its pointer names by sha256', 'lfs');
  }
  writer.end();
}

function unfiltered({ path }: FileEntry, why: string, filter: string): CodedError {
  const bring: Record<string, string> = {
    lfs: 'git lfs install; git lfs fetch --all; then publish again',
    'git-crypt': 'git-crypt unlock; then publish again',
  };
  return new CodedError(`the git filter "${filter}" does not give the content of ${path}: ${why}`, {
    code: 'RELEASE_INVALID',
    next: bring[filter] ?? `set up the filter "${filter}" on this machine, or exclude the path`,
    details: { path, filter },
  });
}
