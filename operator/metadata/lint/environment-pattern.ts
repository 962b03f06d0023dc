/**
 * The path patterns that mm delegates: `stable/*` for one environment, `dev_*` + `/*` for all
 * environments whose names start with `dev_`. Returns the part before the slash, or undefined for
 * any other form. With these forms only, overlap can be decided without a glob engine.
 */
export function environmentPattern(path: string): string | undefined {
  return /^(\w+\*?)\/\*$/.exec(path)?.[1];
}

/**
 * Whether an environment exists that both patterns cover. Any other form overlaps with everything.
 */
export function patternsOverlap(a: string, b: string): boolean {
  const left = environmentPattern(a);
  const right = environmentPattern(b);
  if (left === undefined || right === undefined) return true;
  const leftPrefix = left.replace(/\*$/, '');
  const rightPrefix = right.replace(/\*$/, '');
  if (left === leftPrefix && right === rightPrefix) return left === right;
  if (left === leftPrefix) return left.startsWith(rightPrefix);
  if (right === rightPrefix) return right.startsWith(leftPrefix);
  return leftPrefix.startsWith(rightPrefix) || rightPrefix.startsWith(leftPrefix);
}
