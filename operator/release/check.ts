import type { EnvironmentConf } from '../../bucket/documents/environment-conf.ts';
import {
  foldedPath,
  leavesRelease,
  leavingProblem,
  type NameRules,
  pathProblem,
  targetProblem,
} from '../../bucket/documents/tree-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { findShapeProblems } from './check-shape.ts';
import { inspectContents } from './inspect-contents.ts';
import { LIMITS, type SourceTree, type TreeEntry, type TreeProblem } from './tree/tree.ts';

const MAX_SHOWN = 20;
const MAX_NEXT = 3;
/** Written by mm into every release. */
export const OWN_FILES = { release: 'release.json', r10k: '.r10k-deploy.json' } as const;

export interface CheckOptions extends TreeRules {
  /** Patterns of paths that may hold private keys. */
  readonly allowedPrivateKeys: readonly string[];
}

/** The rules for the names, links and shapes of a release. */
export interface TreeRules {
  readonly conf: EnvironmentConf;
  /** `portable` for hosts whose file system ignores case. */
  readonly names: NameRules;
  /** `publish.links`. */
  readonly links: 'keep' | 'refuse';
}

/**
 * Refuses what every host would refuse, while its author can correct it, and what must not leave
 * this machine. Throws the code of the first problem, and names all of them.
 */
export function assertPublishable(tree: SourceTree, options: CheckOptions): void {
  const problems = findAllProblems(tree, options);
  const [first] = problems;
  if (first === undefined) return;
  const shown = problems.slice(0, MAX_SHOWN).map(sentence);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new CodedError(shown, {
    code: first.code,
    next: nextFor(problems) ?? 'correct it, then run the command again; nothing was uploaded',
    details: { problems: problems.length },
  });
}

/** The next step for the first problem of each kind: one run must show all that is to do. */
function nextFor(problems: readonly TreeProblem[]): string | undefined {
  const kinds = new Map<string, string>();
  for (const { next, path } of problems) {
    const kind = path === null ? next : next?.replaceAll(path, '');
    if (next !== undefined && kind !== undefined && !kinds.has(kind)) kinds.set(kind, next);
  }
  return kinds.size === 0 ? undefined : [...kinds.values()].slice(0, MAX_NEXT).join('; ');
}

/** What hosts would refuse, and what must not leave this machine. */
export function findAllProblems(tree: SourceTree, options: CheckOptions): TreeProblem[] {
  return [...findProblems(tree, options), ...findContentProblems(tree, options)];
}

function sentence({ path, line, message }: TreeProblem): string {
  if (path === null) return message;
  return `${JSON.stringify(path.slice(0, 200))}${line === null ? '' : ` line ${line}`} ${message}`;
}

/** Everything in names, links, sizes and the shape of the tree that hosts would refuse. */
export function findProblems(tree: SourceTree, rules: TreeRules): TreeProblem[] {
  const { entries, emptySubmodules, withheld } = tree;
  return [
    ...findShapeProblems(entries, rules.conf),
    ...findOwnFiles(entries),
    ...emptySubmodules.map((path) => ({
      ...unsafe(path, 'is a submodule whose commit is not in this clone'),
      next: `git submodule update --init --recursive${emptySubmodules.length > 1 ? '' : ` ${shellWord(path)}`}; then publish again`,
    })),
    ...withheld.map(({ path, why }) => invalid(path, why)),
    ...entries.flatMap((entry) => [
      ...findNameProblems(entry, rules),
      ...findLinkProblems(entry, rules),
    ]),
    ...(rules.names === 'portable' ? findClashes(entries) : []),
    ...findSize(entries),
  ];
}

function findContentProblems(
  tree: SourceTree,
  { allowedPrivateKeys }: CheckOptions,
): TreeProblem[] {
  return inspectContents(tree, allowedPrivateKeys).map(({ path, line, why, isKey }) => ({
    ...invalid(path, why),
    line,
    ...(isKey && { next: KEY_NEXT }),
  }));
}

const KEY_NEXT =
  'remove the private key, or leave its file out with publish.exclude; for keys of tests only: publish.allow_private_keys';

function findOwnFiles(entries: readonly TreeEntry[]): TreeProblem[] {
  const isTaken = entries.some(({ path }) => path === OWN_FILES.release);
  return isTaken
    ? [invalid(OWN_FILES.release, 'has the name of a file that mm writes: rename yours')]
    : [];
}

function findNameProblems({ path }: TreeEntry, { names }: TreeRules): TreeProblem[] {
  const problem = pathProblem(path, names);
  return problem === undefined ? [] : [unsafe(path, problem)];
}

function findLinkProblems(entry: TreeEntry, { names, links }: TreeRules): TreeProblem[] {
  if (entry.kind === 'file') return [];
  const { path, target } = entry;
  const problem = targetProblem(target, names);
  if (problem !== undefined) return [unsafe(path, problem)];
  if (links === 'keep' || !leavesRelease(path, target)) return [];
  const next = `leave it out: publish.exclude: [${path}]; or let hosts make it: publish.links: keep`;
  return [{ ...unsafe(path, leavingProblem(target)), next }];
}

/** Whether links of the tree leave it, so that the signed metadata must allow them. */
export function hasLeavingLinks(entries: readonly TreeEntry[]): boolean {
  return entries.some((entry) => entry.kind === 'link' && leavesRelease(entry.path, entry.target));
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
    problems.push({ code, ...WHOLE, message });
  }
  if (bytes > LIMITS.bytes) {
    const message = `${bytes} bytes unpacked; hosts accept ${LIMITS.bytes}`;
    problems.push({ code, ...WHOLE, message });
  }
  return problems;
}

const WHOLE = { path: null, line: null };

/** `a`, `a/b` for `a/b/c`. */
export function parentsOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Bytes of a file; 0 for other entries. */
export function sizeOf(entry: TreeEntry): number {
  return entry.kind === 'file' ? entry.content.length : 0;
}

function unsafe(path: string, why: string): TreeProblem {
  return { code: 'ARCHIVE_UNSAFE', path, line: null, message: why };
}

function invalid(path: string, why: string): TreeProblem {
  return { code: 'RELEASE_INVALID', path, line: null, message: why };
}
