import { printableLines } from '../../shared/clean-text.ts';

/** A command's answer on stdout. It may contain words of Puppet, of S3 and of signed files. */
export function printAnswer(text: string): void {
  process.stdout.write(`${printableLines(text)}\n`);
}
