import { printable } from '../../../../shared/clean-text.ts';
import { redact } from '../../../../shared/log/redact.ts';

/** In UTF-16 units. A problem in the status has at most 500. */
const MAX_TAIL = 300;

/**
 * Returns the end of a program's output as one line. Credentials are hidden before the text is cut,
 * because a part of a credential is not recognized.
 */
export function outputTail(text: string): string {
  const words = printable(redact(text), Number.POSITIVE_INFINITY).replaceAll(/ {2,}/g, ' ');
  if (words.length <= MAX_TAIL) return words;
  return `...${words.slice(3 - MAX_TAIL).toWellFormed()}`;
}
