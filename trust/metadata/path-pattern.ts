/**
 * Whether a PATHPATTERN of TUF (section 4.5) covers a target path: `*` stands for any characters
 * but a slash, `?` for one of them, and every other character for itself. Braces, sets and `**`
 * have no meaning of their own, because the specification names none. The time grows with the
 * length of the pattern only: after a mismatch the last star takes one character more, and earlier
 * stars need no second look.
 */
export function coversPath(pattern: string, path: string): boolean {
  let star: { readonly at: number; taken: number } | undefined;
  let at = 0;
  let read = 0;
  while (read < path.length || at < pattern.length) {
    const wanted = pattern[at];
    const found = path[read];
    if (wanted === '*') {
      star = { at, taken: read };
      at += 1;
    } else if (found !== undefined && (wanted === found || (wanted === '?' && found !== '/'))) {
      at += 1;
      read += 1;
    } else {
      if (star === undefined || (path[star.taken] ?? '/') === '/') return false;
      star.taken += 1;
      read = star.taken;
      at = star.at + 1;
    }
  }
  return true;
}
