import { z } from 'zod';
import { printable } from '../../../shared/clean-text.ts';
import { KINDS, type Kind } from './loaded-files.ts';

/** What is wrong with a file of a release. It is part of the `--json` answer. */
export const GateProblem = z.looseObject({
  level: z.enum(['error', 'warning']),
  path: z.string(),
  /** How Puppet reads the file. */
  kind: z.enum(KINDS),
  /** Line and column count from 1; null when none is known. */
  line: z.int().nullable(),
  column: z.int().nullable(),
  message: z.string(),
  /** The line of the file, cut to what a terminal shows; null when none is known. */
  source: z.string().nullable(),
  /** Index of the caret in `source`, in characters from 0. */
  caret: z.int().nullable(),
});
export type GateProblem = Readonly<z.infer<typeof GateProblem>>;

const MAX_MESSAGE = 500;
const MAX_PATH = 200;
const SHOWN_BEFORE = 60;
const SHOWN = 120;

/** What Ruby reported about a file. All of it may quote the file. */
export interface Found {
  readonly level: 'error' | 'warning';
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/** Completes what Ruby found with the line of the file, cleaned for a terminal. */
export function problemIn(path: string, kind: Kind, found: Found, content: Buffer): GateProblem {
  const { level, line, column } = found;
  const message = printable(found.message, MAX_MESSAGE);
  return {
    ...{ level, path: printable(path, MAX_PATH), kind, line, column, message },
    ...snippet(line === null ? undefined : lineOf(content, line), column),
  };
}

/** `path:line:column: message`, then the source with a caret below it. */
export function linesOf({ path, line, column, message, source, caret }: GateProblem): string[] {
  const place = [path, line, line === null ? null : column].filter((each) => each !== null);
  const lines = [`${place.join(':')}: ${message}`];
  if (source !== null) lines.push(`  ${source}`);
  if (caret !== null) lines.push(`  ${' '.repeat(caret)}^`);
  return lines;
}

/** Undefined: the content has fewer lines. */
function lineOf(content: Buffer, line: number): string | undefined {
  let start = 0;
  for (let number = 1; number < line; number += 1) {
    const end = content.indexOf(10, start);
    if (end === -1) return undefined;
    start = end + 1;
  }
  const end = content.indexOf(10, start);
  return content.subarray(start, end === -1 ? undefined : end).toString('utf8');
}

/** Columns count characters, and what {@link printable} removes has none on a terminal. */
function snippet(
  line: string | undefined,
  column: number | null,
): Pick<GateProblem, 'source' | 'caret'> {
  if (line === undefined || line.trim() === '') return { source: null, caret: null };
  const characters = [...line.slice(0, 100_000)];
  const indent = characters.findIndex((each) => each.trim() !== '');
  const at = Math.min((column ?? 1) - 1, characters.length);
  const start = Math.max(indent, at - SHOWN_BEFORE);
  const source = printable(characters.slice(start, start + SHOWN).join(''));
  if (column === null) return { source, caret: null };
  // The bar keeps the blanks before it, which are trimmed at the end of a text.
  const before = printable(`${characters.slice(start, Math.max(start, at)).join('')}|`);
  return { source, caret: before.length - 1 };
}
