import { printable } from '../clean-text.ts';
import { redact } from './redact.ts';

/** Longer text is cut before it is searched. */
const MAX_INPUT = 16 * 1024;

/**
 * Returns untrusted text as one line of a log: without control characters, without characters that
 * reorder the line, without credentials, at most `max` UTF-16 units. Its indentation stays, because
 * diffs of Puppet need it.
 */
export function safeLine(text: string, max: number): string {
  const indent = /^ {0,200}/.exec(text)?.[0] ?? '';
  // Must be cleaned first, because an invisible character may split a credential, and cut last,
  // because a part of a credential is not recognized.
  return indent + printable(redact(printable(text, MAX_INPUT)), max);
}
