/** A word as a POSIX shell reads it, for a command that a person copies: a path can have blanks. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
