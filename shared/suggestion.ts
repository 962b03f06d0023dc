/**
 * The candidate with the fewest edits; when each has too many for a typing mistake, one that begins
 * with the word. Upper and lower case count as equal.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const short = word.slice(0, 64).toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: editDistance(short, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => isTypingMistake(short, candidate, edits))
    .sort((a, b) => a.edits - b.edits);
  if (ranked[0] !== undefined) return ranked[0].candidate;
  if (short.length < MIN_START) return undefined;
  return candidates.find((candidate) => candidate.toLowerCase().startsWith(short));
}

/** A shorter word begins too many others. */
const MIN_START = 3;

/** Two edits make another word of three letters, and so do edits of all letters. */
function isTypingMistake({ length }: string, candidate: string, edits: number): boolean {
  const limit = length <= 3 ? 1 : Math.max(2, length / 3);
  return edits <= limit && edits < Math.max(length, candidate.length);
}

/** The end of a message about an unknown word: `; did you mean stable?`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/**
 * Levenshtein's distance, one row at a time. Two letters in the wrong order are one edit (optimal
 * string alignment).
 */
function editDistance(a: string, b: string): number {
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let index = 0; index < a.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (a[index] === b[column - 1] ? 0 : 1);
      const isSwapped = a[index] === b[column - 2] && a[index - 1] === b[column - 1];
      const swapped = index > 0 && isSwapped ? (above[column - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    [above, row] = [row, next];
  }
  return row.at(-1) ?? 0;
}
