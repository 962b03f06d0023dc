import { printableLines } from '../../shared/clean-text.ts';

/**
 * Prints the answer of a command on stdout. It may contain text of Puppet, of S3 or of signed
 * files.
 */
export function printAnswer(text: string): void {
  process.stdout.write(`${printableLines(text)}\n`);
}
