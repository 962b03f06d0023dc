/**
 * Text from Puppet, fit for the status document: no control characters but line ends, none that reorder a terminal's
 * line, no half surrogates, and at most `max` UTF-16 units, with an ellipsis where it was cut.
 */
export function cleanText(text: string, max: number): string {
  const clean = text
    .slice(0, 2 * max)
    .replace(/[^\P{Cc}\n]/gu, ' ')
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim();
  const cut = clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
  return cut.toWellFormed();
}
