/*
 * What the names in a release may be. The publisher refuses what breaks a rule while somebody can
 * mend it. A host refuses it again, because a signer may not use mm. Each function returns the
 * problem as the end of a sentence about the path, or undefined.
 */

export const MAX_NAME_BYTES = 255;
export const MAX_PATH_BYTES = 1024;

/** `path` is relative to the top of the release, with "/" between names. */
export function pathProblem(path: string): string | undefined {
  if (!isCleanText(path)) {
    return 'has a control character, a backslash or bytes that are not UTF-8 in its name';
  }
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
 * A link may go up as far as the top of the release, and then down. With ".." after a name, what a
 * link leads to depends on other links: `deep -> a/b/..` is harmless only while `a/b` is a
 * directory.
 */
export function linkProblem(path: string, target: string): string | undefined {
  if (!isCleanText(target)) {
    return 'has a control character, a backslash or bytes that are not UTF-8 in its target';
  }
  if (Buffer.byteLength(target) > MAX_PATH_BYTES) {
    return `points at more than ${MAX_PATH_BYTES} bytes`;
  }
  const steps = target.split('/').filter((name) => name !== '.' && name !== '');
  const down = steps.findIndex((name) => name !== '..');
  const levelsUp = down === -1 ? steps.length : down;
  const isBackUp = steps.slice(levelsUp).includes('..');
  const depth = path.split('/').length - 1;
  const isInside = target !== '' && !target.startsWith('/') && levelsUp <= depth && !isBackUp;
  return isInside
    ? undefined
    : `is a link that leaves the release: ${JSON.stringify(target.slice(0, 200))}`;
}

/**
 * Equal for paths that the file system of a Mac treats as one: case and Unicode form do not count.
 */
export function foldedPath(path: string): string {
  return path.normalize('NFKC').toLowerCase().toUpperCase();
}

/**
 * No C0 or C1 control, no backslash, which some programs take for a separator, nothing that was not
 * UTF-8.
 */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\\\ufffd]/u.test(text);
}
