/** A string as a literal of Ruby that stands for nothing but itself. */
export function rubyString(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
