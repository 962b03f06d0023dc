import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import { LIMITS, type SourceTree, type TreeEntry } from './tree.ts';

export interface TreeProblem {
  readonly code: Extract<ErrorCode, 'ARCHIVE_UNSAFE' | 'ARCHIVE_TOO_LARGE' | 'RELEASE_INVALID'>;
  readonly message: string;
}

const MAX_SHOWN = 20;
/** Written by us into every release. */
export const OWN_FILES = { release: 'release.json', r10k: '.r10k-deploy.json' } as const;

/** Refuses here, where somebody can mend it, what every host would refuse. Throws the code of the first problem. */
export function assertPublishable(tree: SourceTree): void {
  const problems = findProblems(tree);
  const [first] = problems;
  if (first === undefined) return;
  const shown = problems.slice(0, MAX_SHOWN).map(({ message }) => message);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new CodedError(shown, {
    code: first.code,
    next: 'mend it and publish again; nothing was uploaded',
    details: { problems: problems.length },
  });
}

/** Everything that hosts would refuse, in words. */
export function findProblems({ entries, emptySubmodules }: SourceTree): TreeProblem[] {
  return [
    ...findShape(entries),
    ...emptySubmodules.map((path) =>
      unsafe(path, 'is a submodule without content: put the module itself into the tree'),
    ),
    ...entries.flatMap((entry) => [...findNameProblems(entry), ...findLinkProblems(entry)]),
    ...findClashes(entries),
    ...findSize(entries),
  ];
}

/** An environment has `manifests/`; the older form is `nodeless_site.pp` with `classes/` and `modules/`. */
function findShape(entries: readonly TreeEntry[]): TreeProblem[] {
  const problems: TreeProblem[] = [];
  if (!entries.some(({ path }) => path.startsWith('manifests/') || path === 'nodeless_site.pp')) {
    const message = 'no Puppet environment: wanted manifests/ or nodeless_site.pp at its top';
    problems.push({ code: 'RELEASE_INVALID', message });
  }
  if (entries.some(({ path }) => path === OWN_FILES.release)) {
    const message = `${OWN_FILES.release}: mm writes a file of that name, rename yours`;
    problems.push({ code: 'RELEASE_INVALID', message });
  }
  return problems;
}

function findNameProblems({ path }: TreeEntry): TreeProblem[] {
  const names = path.split('/');
  const problems: TreeProblem[] = [];
  if (!isCleanText(path)) {
    problems.push(unsafe(path, 'has a control character, a backslash or bytes not UTF-8'));
  }
  if (Buffer.byteLength(path) > LIMITS.pathBytes) {
    problems.push(unsafe(path, `is longer than ${LIMITS.pathBytes} bytes`));
  }
  if (names.some((name) => Buffer.byteLength(name) > LIMITS.nameBytes)) {
    problems.push(unsafe(path, `has a name longer than ${LIMITS.nameBytes} bytes`));
  }
  if (names.some((name) => name === '' || name === '.' || name === '..')) {
    problems.push(unsafe(path, 'is not a plain path below the tree'));
  }
  if (names.some((name) => name.toLowerCase() === '.git')) {
    problems.push(unsafe(path, 'belongs to a git repository'));
  }
  return problems;
}

/** No NUL or other control character, no backslash (a separator to some), nothing that was not UTF-8. */
function isCleanText(text: string): boolean {
  return !/[\p{Cc}\\\ufffd]/u.test(text);
}

/**
 * A link may go up as far as the tree's own top, and then down. With ".." after a name, what a link leads to depends on
 * other links: those leave a tree that looks closed.
 */
function findLinkProblems(entry: TreeEntry): TreeProblem[] {
  if (entry.kind === 'file') return [];
  const { path, target } = entry;
  const steps = target.split('/').filter((name) => name !== '.' && name !== '');
  const down = steps.findIndex((name) => name !== '..');
  const levelsUp = down === -1 ? steps.length : down;
  const isBackUp = steps.slice(levelsUp).includes('..');
  const depth = path.split('/').length - 1;
  const isInside = target !== '' && !target.startsWith('/') && levelsUp <= depth && !isBackUp;
  if (!isInside) return [unsafe(path, `is a link that leaves the tree: ${JSON.stringify(target)}`)];
  const isShort = Buffer.byteLength(target) <= LIMITS.pathBytes;
  return isShort && isCleanText(target) ? [] : [unsafe(path, 'is a link with an unusable target')];
}

/** Macs take names for one that differ in case or in Unicode form: directories as well as files. */
function findClashes(entries: readonly TreeEntry[]): TreeProblem[] {
  const seen = new Map<string, string>();
  const problems: TreeProblem[] = [];
  for (const path of entries.flatMap((entry) => [...parentsOf(entry.path), entry.path])) {
    const folded = path.normalize('NFKC').toLowerCase().toUpperCase();
    const earlier = seen.get(folded);
    if (earlier === undefined) seen.set(folded, path);
    else if (earlier !== path) {
      problems.push(unsafe(path, `and ${JSON.stringify(earlier)} are one name on a Mac`));
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
    const message = `${paths.size} files and directories, hosts take ${LIMITS.entries}`;
    problems.push({ code, message });
  }
  if (bytes > LIMITS.bytes) {
    problems.push({ code, message: `${bytes} bytes unpacked, hosts take ${LIMITS.bytes}` });
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
