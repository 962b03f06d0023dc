/**
 * Returns how to start this program again with other arguments, for the children of the daemon. The
 * options for Node that the daemon has are not passed on: they are for a long-lived process.
 */
export function ownProgram(...argv: readonly string[]): {
  readonly path: string;
  readonly argv: readonly string[];
} {
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('this process does not know its own program');
  return { path: process.execPath, argv: [program, ...argv] };
}
