/**
 * Facts may be integers beyond 2^53, such as the size of an EFS file system, which a JavaScript
 * number would round. `JSON.rawJSON` keeps the text of such a number and writes it unchanged.
 */
const json = JSON as unknown as {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};

/** As JSON.parse, but a number that would lose digits stays as its text. Throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  // Most facts have no such number, and a reviver costs several times the parsing.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && Number.isInteger(value) && String(value) !== source && source
      ? exact(value, source)
      : value,
  );
}

function exact(value: number, source: string): unknown {
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) ? value : json.rawJSON(source);
}

/** Whether a value is a number that {@link parseExactJson} has kept as its text. */
export function isExactNumber(value: unknown): boolean {
  return json.isRawJSON(value);
}
