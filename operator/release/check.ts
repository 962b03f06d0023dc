import type { EnvironmentConf } from '../../bucket/documents/environment-conf.ts';
import { foldedPath, linkProblem, pathProblem } from '../../bucket/documents/tree-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { findShapeProblems } from './check-shape.ts';
import { inspectContents } from './inspect-contents.ts';
import { LIMITS, type SourceTree, type TreeEntry, type TreeProblem } from './tree.ts';

const MAX_SHOWN = 20;
/** Written by mm into every release. */
export const OWN_FILES = { release: 'release.json', r10k: '.r10k-deploy.json' } as const;

export interface CheckOptions {
  readonly conf: EnvironmentConf;
  /** Patterns of paths that may hold private keys. */
  readonly allowedPrivateKeys: readonly string[];
}

/**
 * Refuses at the publisher, where somebody can correct it, what every host would refuse, and what
 * must not leave this machine. Throws the code of the first problem, and names all of them.
 */
export function assertPublishable(tree: SourceTree, options: CheckOptions): void {
  const problems = [...findProblems(tree, options.conf), ...findContentProblems(tree, options)];
  const [first] = problems;
  if (first === undefined) return;
  const shown = problems.slice(0, MAX_SHOWN).map(({ message }) => message);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new CodedError(shown, {
    code: first.code,
    next: first.next ?? 'correct it and publish again; nothing was uploaded',
    details: { problems: problems.length },
  });
}

/** Everything in names, links, sizes and the shape of the tree that hosts would refuse. */
export function findProblems(tree: SourceTree, conf: EnvironmentConf): TreeProblem[] {
  const { entries, emptySubmodules, withheld } = tree;
  return [
    ...findShapeProblems(entries, conf),
    ...findOwnFiles(entries),
    ...emptySubmodules.map((path) => ({
      ...unsafe(path, 'is a submodule whose commit is not in this clone'),
      next: `git submodule update --init --recursive ${path}; then publish again`,
    })),
    ...withheld.map(({ path, why }) => invalid(`${JSON.stringify(path)} ${why}`)),
    ...entries.flatMap((entry) => [...findNameProblems(entry), ...findLinkProblems(entry)]),
    ...findClashes(entries),
    ...findSize(entries),
  ];
}

function findContentProblems(
  tree: SourceTree,
  { allowedPrivateKeys }: CheckOptions,
): TreeProblem[] {
  return inspectContents(tree, allowedPrivateKeys).map(({ path, line, why, isKey }) => ({
    ...invalid(`${JSON.stringify(path)}${line === null ? '' : ` line ${line}`} ${why}`),
    ...(isKey && { next: KEY_NEXT }),
  }));
}

const KEY_NEXT =
  'remove it, or leave it out with publish.exclude; for keys of tests only: publish.allow_private_keys';

function findOwnFiles(entries: readonly TreeEntry[]): TreeProblem[] {
  const isTaken = entries.some(({ path }) => path === OWN_FILES.release);
  return isTaken
    ? [invalid(`${OWN_FILES.release}: mm writes a file of that name, rename yours`)]
    : [];
}

function findNameProblems({ path }: TreeEntry): TreeProblem[] {
  const problem = pathProblem(path);
  return problem === undefined ? [] : [unsafe(path, problem)];
}

function findLinkProblems(entry: TreeEntry): TreeProblem[] {
  const problem = entry.kind === 'link' ? linkProblem(entry.path, entry.target) : undefined;
  return problem === undefined ? [] : [unsafe(entry.path, problem)];
}

/**
 * macOS treats names as equal that differ in case or in Unicode form, for files and directories.
 */
function findClashes(entries: readonly TreeEntry[]): TreeProblem[] {
  const seen = new Map<string, string>();
  const problems: TreeProblem[] = [];
  for (const path of entries.flatMap((entry) => [...parentsOf(entry.path), entry.path])) {
    const folded = foldedPath(path);
    const earlier = seen.get(folded);
    if (earlier === undefined) seen.set(folded, path);
    else if (earlier !== path) {
      problems.push(unsafe(path, `and ${JSON.stringify(earlier)} are the same name on macOS`));
    }
  }
  return problems;
}

function findSize(entries: readonly TreeEntry[]): TreeProblem[] {
  const paths = new Set(entries.flatMap(({ path }) => [...parentsOf(path), path]));
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  const problems: TreeProblem[] = [];
  const code = 'ARCHIVE_TOO_LARGE';
  if (paths.size > LIMITS.entries) {
    const message = `${paths.size} files and directories; hosts accept ${LIMITS.entries}`;
    problems.push({ code, message });
  }
  if (bytes > LIMITS.bytes) {
    problems.push({ code, message: `${bytes} bytes unpacked; hosts accept ${LIMITS.bytes}` });
  }
  return problems;
}

/** `a`, `a/b` for `a/b/c`. */
export function parentsOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

export function sizeOf(entry: TreeEntry): number {
  return entry.kind === 'file' ? entry.content.length : 0;
}

function unsafe(path: string, why: string): TreeProblem {
  return { code: 'ARCHIVE_UNSAFE', message: `${JSON.stringify(path.slice(0, 200))} ${why}` };
}

function invalid(message: string): TreeProblem {
  return { code: 'RELEASE_INVALID', message };
}
