/** `1 host`, `2 hosts`. A number may be a text already: `1,000 hosts`. */
export function counted(number: number | string, noun: string, plural = `${noun}s`): string {
  return `${number} ${String(number) === '1' ? noun : plural}`;
}

/** The first names of a list: `a, b, c and 4 more`. */
export function someOf(names: readonly string[], max: number): string {
  const more = names.length - max;
  return `${names.slice(0, max).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
