/**
 * What starts this very program again with other arguments: the daemon's children. Without Node's own options: those of
 * the daemon are for a process that lives long.
 */
export function ownProgram(...argv: readonly string[]): {
  readonly path: string;
  readonly argv: readonly string[];
} {
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('this process does not know its own program');
  return { path: process.execPath, argv: [program, ...argv] };
}
