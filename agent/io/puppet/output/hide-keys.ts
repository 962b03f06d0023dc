const BEGIN = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY/;
const END = /-----END [A-Z0-9 ]{0,30}PRIVATE KEY/;
/**
 * A key of RSA with 16,384 bits has 200 lines. Without a limit, a missing end line would hide the
 * rest of the run.
 */
const MAX_LINES = 300;

/**
 * Replaces the lines of a private key, for instance in a diff that Puppet shows. A single line
 * cannot be recognised as a part of a key.
 */
export function hideKeys(): (text: string) => string {
  let linesLeft = 0;
  return (text) => {
    if (linesLeft > 0) {
      linesLeft = END.test(text) ? 0 : linesLeft - 1;
      return '[a line of a private key]';
    }
    if (BEGIN.test(text) && !END.test(text)) linesLeft = MAX_LINES;
    return text;
  };
}
