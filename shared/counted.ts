/** `1 host`, `2 hosts`. A number may be a text already: `1,000 hosts`. */
export function counted(number: number | string, noun: string, plural = `${noun}s`): string {
  return `${number} ${String(number) === '1' ? noun : plural}`;
}
