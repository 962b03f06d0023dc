import { printable } from '../clean-text.ts';
import { redact } from './redact.ts';

/** Longer text is cut before anything looks at it. */
const MAX_INPUT = 16 * 1024;

/**
 * Foreign text as one line of a log: no control characters, nothing that reorders the line, no
 * credentials, at most `max` UTF-16 units. Its indentation stays, because diffs from Puppet need
 * it.
 */
export function safeLine(text: string, max: number): string {
  const indent = /^ {0,200}/.exec(text)?.[0] ?? '';
  // Clean first: an invisible character may split a credential. Cut last: a part of a credential is
  // not recognised.
  return indent + printable(redact(printable(text, MAX_INPUT)), max);
}
