/** For a process that lives for seconds: its young objects have room from the start, docs/adr/0017. */
const SHORT_LIVED = '--min-semi-space-size=8';

/**
 * What starts this very program again with other arguments: the daemon's children. Without the daemon's own options for
 * Node: those are for a process that lives long.
 */
export function ownProgram(...argv: readonly string[]): {
  readonly path: string;
  readonly argv: readonly string[];
} {
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('this process does not know its own program');
  return { path: process.execPath, argv: [SHORT_LIVED, program, ...argv] };
}
