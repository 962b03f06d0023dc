import { findPrivateKey } from './private-keys.ts';
import { parsePointer } from './source/filters.ts';
import { gitPatterns } from './tree/exclude.ts';
import type { Content } from './tree/spool.ts';
import type { FileEntry, SourceTree } from './tree/tree.ts';

/** Larger files are searched piece by piece; a key is smaller than the overlap of two pieces. */
const OVERLAP_BYTES = 64 * 1024;
const PIECE_BYTES = 1024 ** 2;
const GIT_CRYPT = Buffer.from('\0GITCRYPT\0');

/** A problem in the content of a file. */
export interface ContentProblem {
  readonly path: string;
  /** Null when no line can be named. */
  readonly line: number | null;
  readonly why: string;
  readonly isKey: boolean;
}

/**
 * Searches every file for content that must not be in a release: private keys, git-lfs pointers in
 * place of files, files that git-crypt has encrypted. `allowed`: patterns of paths that may hold
 * private keys.
 */
export function inspectContents(
  { entries }: Pick<SourceTree, 'entries'>,
  allowed: readonly string[],
): ContentProblem[] {
  const mayHoldKeys = gitPatterns(allowed);
  return entries.flatMap((entry) => {
    if (entry.kind === 'link') return [];
    const problem = placeholderIn(entry) ?? keyIn(entry, (path) => mayHoldKeys.ignores(path));
    return problem === undefined ? [] : [problem];
  });
}

function placeholderIn(entry: FileEntry): ContentProblem | undefined {
  const { path } = entry;
  if (parsePointer(entry) !== undefined) {
    const why = 'is a git-lfs pointer, not the file: set publish.filters: [lfs], or git lfs pull';
    return { path, line: null, why, isKey: false };
  }
  const [first = Buffer.alloc(0)] = entry.content.chunks();
  if (!first.subarray(0, GIT_CRYPT.length).equals(GIT_CRYPT)) return undefined;
  const why = 'is encrypted by git-crypt: set publish.filters: [git-crypt], or exclude it';
  return { path, line: null, why, isKey: false };
}

function keyIn(
  { path, content }: FileEntry,
  isAllowed: (path: string) => boolean,
): ContentProblem | undefined {
  for (const { bytes, linesBefore } of pieces(content)) {
    const found = findPrivateKey(bytes);
    if (found === undefined) continue;
    if (isAllowed(path)) return undefined;
    const line = found.line === null ? null : found.line + linesBefore;
    return { path, line, why: `has a private key: ${found.kind}`, isKey: true };
  }
  return undefined;
}

function* pieces(content: Content): Iterable<{ bytes: Buffer; linesBefore: number }> {
  if (content.length <= PIECE_BYTES) {
    yield { bytes: content.read(), linesBefore: 0 };
    return;
  }
  // Two buffers for the whole file: a new buffer for each piece would cost garbage collection.
  const scratch = Buffer.allocUnsafe(PIECE_BYTES);
  const joined = Buffer.allocUnsafe(OVERLAP_BYTES + PIECE_BYTES);
  let kept = 0;
  let linesBefore = 0;
  for (const chunk of content.chunks(scratch)) {
    const bytes = joined.subarray(0, kept + chunk.copy(joined, kept));
    yield { bytes, linesBefore };
    kept = Math.min(OVERLAP_BYTES, bytes.length);
    linesBefore += countLines(bytes.subarray(0, bytes.length - kept));
    joined.copyWithin(0, bytes.length - kept, bytes.length);
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
