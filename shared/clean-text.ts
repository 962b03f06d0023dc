/*
 * Untrusted text: of a host, a store, a key holder, Puppet, or the author of a file. It reaches
 * terminals, logs and status documents, where an escape sequence could clear the screen, write to
 * the clipboard (OSC 52) or draw a false "trust: ok".
 */

/** Line breaks, C0 and C1 controls, and code points that have no meaning yet. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cn}\p{Co}]+/gu;
const CONTROLS_WITHIN_LINE = /(?:(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cn}\p{Co}])+/gu;
/**
 * Bidi controls reorder a line; zero-width and other invisible characters make different words look
 * equal.
 */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;

const MAX_LINE = 2000;

/**
 * Returns one line for an error, a log or a terminal. Controls and line breaks become a space,
 * invisible characters are removed, and half surrogates become U+FFFD. The line has at most `max`
 * UTF-16 units, with "..." at the end when it was cut.
 */
export function printable(text: string, max = MAX_LINE): string {
  return cut(replaceUnsafe(text.slice(0, 2 * max), CONTROLS), max, '...');
}

/**
 * As {@link printable}, but line feeds stay, and the mark for a cut is one character. For status
 * documents.
 */
export function cleanText(text: string, max: number): string {
  return cut(replaceUnsafe(text.slice(0, 2 * max), CONTROLS_WITHIN_LINE), max, '…');
}

/**
 * As {@link printable} for each line, with the line's indentation. For everything that is written
 * to a terminal.
 */
export function printableLines(text: string, maxPerLine = Number.POSITIVE_INFINITY): string {
  return text
    .split('\n')
    .map((line) => `${/^ */.exec(line)?.[0]}${printable(line, maxPerLine)}`)
    .join('\n');
}

/** What an error says, as one clean line. */
export function messageOf(error: unknown, max = MAX_LINE): string {
  return printable(error instanceof Error ? error.message : String(error), max);
}

/** JSON in ASCII: safe on any terminal, and it parses to the same value. */
export function asciiJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function replaceUnsafe(text: string, controls: RegExp): string {
  return text.toWellFormed().replace(INVISIBLE, '').replace(controls, ' ').trim();
}

function cut(text: string, max: number, mark: string): string {
  if (text.length <= max) return text;
  // A cut inside a surrogate pair leaves an invalid half.
  return `${text.slice(0, max - mark.length).toWellFormed()}${mark}`;
}
