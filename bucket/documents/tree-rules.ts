/*
 * What the names in a release may be. The publisher refuses a path that breaks a rule, so that its
 * author can correct it. A host checks again, because a release may have been signed without mm.
 * Each function returns the problem as the end of a sentence about the path, or undefined.
 */

/**
 * `any`: all names that Linux allows. `portable`: without the names that macOS would understand
 * differently, because its file system ignores case or because a program reads a backslash as a
 * separator.
 */
export type NameRules = 'any' | 'portable';

export const MAX_NAME_BYTES = 255;
export const MAX_PATH_BYTES = 1024;

/** `path` is relative to the top of the release, with "/" between names. */
export function pathProblem(path: string, rules: NameRules): string | undefined {
  if (!isCleanText(path)) return 'has a control character or bytes that are not UTF-8 in its name';
  if (rules === 'portable' && path.includes('\\')) return 'has a backslash in its name';
  if (path.startsWith('/')) return 'is an absolute path';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  for (const name of path.split('/')) {
    if (name === '' || name === '.' || name === '..') return `has "${name}" in its path`;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      return `has a name longer than ${MAX_NAME_BYTES} bytes`;
    }
    // A host must never run what a git repository in a release configures.
    if (name.toLowerCase() === '.git') return 'belongs to a git repository';
  }
  return undefined;
}

/**
 * Returns the problem of a target that is refused for every link, also for one inside the release.
 */
export function targetProblem(target: string, rules: NameRules): string | undefined {
  if (target === '') return 'is a link to nothing';
  if (!isCleanText(target)) {
    return 'has a control character or bytes that are not UTF-8 in its target';
  }
  if (rules === 'portable' && target.includes('\\')) return 'has a backslash in its target';
  if (Buffer.byteLength(target) > MAX_PATH_BYTES) {
    return `points at more than ${MAX_PATH_BYTES} bytes`;
  }
  return undefined;
}

/**
 * A link may go up as far as the top of the release, and then down. With ".." after a name, what a
 * link leads to depends on other links: `deep -> a/b/..` is harmless only while `a/b` is a
 * directory.
 */
export function leavesRelease(path: string, target: string): boolean {
  const steps = target.split('/').filter((name) => name !== '.' && name !== '');
  const down = steps.findIndex((name) => name !== '..');
  const levelsUp = down === -1 ? steps.length : down;
  const isBackUp = steps.slice(levelsUp).includes('..');
  const depth = path.split('/').length - 1;
  return target.startsWith('/') || levelsUp > depth || isBackUp;
}

/** Completes the sentence about a link that may not leave its release. */
export function leavingProblem(target: string): string {
  return `is a link that leaves the release: ${JSON.stringify(target.slice(0, 200))}`;
}

/** Returns equal keys for paths that are one file on a Mac: case and Unicode form do not count. */
export function foldedPath(path: string): string {
  return path.normalize('NFKC').toLowerCase().toUpperCase();
}

/** True when the text has no C0 or C1 control characters and is valid UTF-8. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\ufffd]/u.test(text);
}
