/**
 * The path patterns that we delegate: `stable/*` for one environment, `dev_*` + `/*` for all whose
 * names begin so. Returns the environment's part, undefined for any other form: so that overlap can
 * be decided without a glob engine.
 */
export function environmentPattern(path: string): string | undefined {
  return /^(\w+\*?)\/\*$/.exec(path)?.[1];
}

/**
 * Whether there is an environment that both patterns cover. Forms that are not ours overlap with
 * everything.
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
