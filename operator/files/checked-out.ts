import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { shellWord } from '../../shared/shell-word.ts';

/*
 * An operator looks at a stolen release to see what the thief changed. Looking must run nothing of
 * it. `mm checkout` therefore marks each release that it writes, outside of what the signer of the
 * release chose. A person who trusts the release removes the mark.
 */

/** The mark: a file in the directory that `mm checkout` made. No release contains it. */
export const CHECKOUT_MARK = '.mm-checkout.json';

/** The mark of the release that a file or directory belongs to. Undefined outside of a release. */
export function checkoutMark(path: string): string | undefined {
  for (let directory = realPath(path); ; directory = dirname(directory)) {
    const mark = join(directory, CHECKOUT_MARK);
    if (existsSync(mark)) return mark;
    if (directory === dirname(directory)) return undefined;
  }
}

/** Throws FILE_UNSAFE for a path in a release. `what`: what mm would do with the path. */
export function requireNoCheckout(path: string, what: string): void {
  const mark = checkoutMark(path);
  if (mark === undefined) return;
  throw new CodedError(`${what}, and ${path} is in a release that mm checkout wrote`, {
    code: 'FILE_UNSAFE',
    next: agreement(mark),
    details: { path, mark },
  });
}

/** How a person says that a release may run code on this machine. */
export function agreement(mark: string): string {
  return `read the release first; when you trust it: rm ${shellWord(mark)}`;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it does not exist, and is read by nobody
  }
}
