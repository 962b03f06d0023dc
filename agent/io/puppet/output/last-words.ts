import { printable } from '../../../../shared/clean-text.ts';
import { redact } from '../../../../shared/log/redact.ts';

/** In UTF-16 units. A problem in the status has at most 500. */
const MAX_LAST_WORDS = 300;

/**
 * The end of what a program printed, as one line. It may print credentials: they are hidden before
 * the text is cut.
 */
export function lastWords(text: string): string {
  const words = printable(redact(text), Number.POSITIVE_INFINITY).replaceAll(/ {2,}/g, ' ');
  if (words.length <= MAX_LAST_WORDS) return words;
  return `...${words.slice(3 - MAX_LAST_WORDS).toWellFormed()}`;
}
