import { asciiJson, printableLines } from '../../../shared/clean-text.ts';
import type { ListAnswer, ListEnd } from '../../context.ts';

export interface ListOutput {
  out(text: string): void;
  /** Whether the reader has closed the pipe, as `head` does. Left out: it never does. */
  isReaderGone?(): boolean;
}

/**
 * Prints the entries as lines. Nothing is printed before the first of them, so that an error that
 * comes earlier is the whole output. Returns undefined when the reader has gone: the other entries
 * are not read.
 */
export async function printLines<T extends object>(
  { lines, entries, isJudged, end }: ListAnswer<T>,
  output: ListOutput,
): Promise<ListEnd | undefined> {
  for await (const line of lines(entries)) {
    if (!isJudged && output.isReaderGone?.() === true) return undefined;
    output.out(`${printableLines(line)}\n`);
  }
  return end();
}

/**
 * Prints one JSON document with a line for each entry. `errorField` makes the field `error` of the
 * document when an entry cannot be read: what was printed stays a part of valid JSON.
 * Returns undefined as `printLines` does.
 */
export async function printJson<T extends object>(
  { head, name, entries, isJudged, end }: ListAnswer<T>,
  output: ListOutput,
  errorField: (error: unknown) => object,
): Promise<ListEnd | undefined> {
  const out = (text: string) => output.out(text);
  let count = 0;
  const begin = () => out(`{\n${fieldsOf(head)},\n  ${asciiJson(name)}: [`);
  try {
    for await (const entry of entries) {
      if (!isJudged && output.isReaderGone?.() === true) return undefined;
      if (count === 0) begin();
      out(`${count === 0 ? '' : ','}\n    ${asciiJson(entry)}`);
      count += 1;
    }
    const last = end();
    if (count === 0) begin();
    out(`${count === 0 ? '' : '\n  '}],\n${fieldsOf(last.document)}\n}\n`);
    return last;
  } catch (error) {
    if (count > 0) out(`\n  ],\n${fieldsOf(errorField(error))}\n}\n`);
    throw error;
  }
}

/** The fields of an object as they are inside its braces. */
function fieldsOf(document: object): string {
  return asciiJson(document, 2).slice(2, -2);
}
