import { styleText } from 'node:util';
import { printableLines } from '../../shared/clean-text.ts';
import { hasColours, readerOf } from '../../shared/log/reader.ts';
import type { MarkOf } from '../core/status/marks.ts';

const STDOUT = 1;

/**
 * Prints the answer of a command on stdout. It may contain text of Puppet, of S3 or of signed
 * files. On a terminal its lines are in the colour of their marks.
 */
export function printAnswer(
  text: string,
  marks?: { readonly markOf: MarkOf; readonly env: NodeJS.ProcessEnv },
): void {
  const clean = printableLines(text);
  const isPlain = marks === undefined || !hasColours(readerOf(STDOUT, marks.env), marks.env);
  process.stdout.write(`${isPlain ? clean : marked(clean, marks.markOf)}\n`);
}

function marked(text: string, markOf: MarkOf): string {
  const paint = (line: string): string => {
    const mark = markOf(line);
    return mark === undefined ? line : styleText(mark, line, { validateStream: false });
  };
  return text.split('\n').map(paint).join('\n');
}
