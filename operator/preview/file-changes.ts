import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiffAnswer } from '../diff-answer.ts';
import { gitList } from '../release/source/git.ts';
import type { FileEntry, TreeEntry } from '../release/tree/tree.ts';

export type FileChange = DiffAnswer['files'][number];

export interface CompareOptions {
  /** New and empty. */
  readonly directory: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** What git takes for a binary file: a NUL byte near its start. */
const TEXT_PROBE_BYTES = 8000;

/** The files and links that differ, in order of their paths. Throws GIT_FAILED. */
export async function fileChanges(
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
  options: CompareOptions,
): Promise<FileChange[]> {
  const old = byPath(before);
  const young = byPath(after);
  const changes: FileChange[] = [];
  const texts: [FileEntry, FileEntry][] = [];
  for (const path of [...new Set([...old.keys(), ...young.keys()])].sort()) {
    const [was, is] = [old.get(path), young.get(path)];
    if (was === undefined) changes.push(ofOne(path, 'added', is));
    else if (is === undefined) changes.push(ofOne(path, 'removed', was));
    else if (!isSame(was, is)) {
      if (was.kind === 'file' && is.kind === 'file') texts.push([was, is]);
      changes.push({ path, change: 'changed', linesAdded: null, linesRemoved: null });
    }
  }
  const counts = await countLines(texts, options);
  return changes.map((change) => ({ ...change, ...counts.get(change.path) }));
}

function byPath(entries: readonly TreeEntry[]): Map<string, TreeEntry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function ofOne(
  path: string,
  change: 'added' | 'removed',
  entry: TreeEntry | undefined,
): FileChange {
  const lines = entry?.kind === 'file' ? linesOf(entry) : null;
  return change === 'added'
    ? { path, change, linesAdded: lines, linesRemoved: lines === null ? null : 0 }
    : { path, change, linesAdded: lines === null ? null : 0, linesRemoved: lines };
}

function linesOf({ content }: FileEntry): number | null {
  let lines = 0;
  let last: number | undefined;
  let isFirst = true;
  for (const chunk of content.chunks()) {
    if (isFirst && chunk.subarray(0, TEXT_PROBE_BYTES).includes(0)) return null;
    isFirst = false;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  return last === undefined || last === 10 ? lines : lines + 1;
}

function isSame(a: TreeEntry, b: TreeEntry): boolean {
  if (a.kind === 'link' || b.kind === 'link') {
    return a.kind === 'link' && b.kind === 'link' && a.target === b.target;
  }
  const isAlike = a.isExecutable === b.isExecutable && a.content.length === b.content.length;
  return isAlike && digestOf(a) === digestOf(b);
}

function digestOf({ content }: FileEntry): string {
  const hash = createHash('sha256');
  for (const chunk of content.chunks()) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Counts lines with git. The files have numbers as names, because git gives names such as
 * `.gitattributes` a meaning.
 */
async function countLines(
  pairs: readonly (readonly [FileEntry, FileEntry])[],
  { directory, env }: CompareOptions,
): Promise<Map<string, Pick<FileChange, 'linesAdded' | 'linesRemoved'>>> {
  const counts = new Map<string, Pick<FileChange, 'linesAdded' | 'linesRemoved'>>();
  if (pairs.length === 0) return counts;
  for (const side of ['a', 'b']) await mkdir(join(directory, side));
  for (const [index, [was, is]] of pairs.entries()) {
    counts.set(is.path, { linesAdded: 0, linesRemoved: 0 }); // unless git finds another
    await writeFile(join(directory, 'a', String(index)), was.content.chunks());
    await writeFile(join(directory, 'b', String(index)), is.content.chunks());
  }
  const how = ['--no-ext-diff', '--no-textconv', '--no-renames', '--numstat', '-z'];
  const args = ['diff', '--no-index', ...how, 'a', 'b'];
  const answers = await gitList({ directory, env }, args);
  for (let at = 0; at + 2 < answers.length; at += 3) {
    const [added = '', removed = ''] = answers[at]?.split('\t') ?? [];
    const path = pairs[Number(answers[at + 1]?.slice(2))]?.[1].path ?? '';
    counts.set(path, { linesAdded: countIn(added), linesRemoved: countIn(removed) });
  }
  return counts;
}

/** git writes "-" for a file that is not text. */
function countIn(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}
