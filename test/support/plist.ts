export type PlistValue = string | number | boolean | PlistValue[] | { [key: string]: PlistValue };

const TOKEN =
  /\s+|<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--[\s\S]*?-->|<(\/?)([a-z]+)(?: version="1\.0")?(\/?)>|[^<]+/gy;

/**
 * Reads an XML property list strictly: everything that launchd's manual does not show is an error.
 */
export function parsePlist(xml: string): PlistValue {
  const tokens = tokenize(xml);
  const next = (expected?: string): string => {
    const token = tokens.shift();
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new Error(`expected ${expected ?? 'more'}, got ${token ?? 'the end'}`);
    }
    return token;
  };
  const value = (): PlistValue => {
    const tag = next();
    switch (tag) {
      case '<true/>':
      case '<false/>':
        return tag === '<true/>';
      case '<string>':
      case '<integer>': {
        const text = next();
        next(tag.replace('<', '</'));
        return tag === '<string>' ? text : integer(text);
      }
      case '<array>': {
        const items: PlistValue[] = [];
        while (tokens[0] !== '</array>') items.push(value());
        next();
        return items;
      }
      case '<dict>': {
        const entries: Record<string, PlistValue> = {};
        while (tokens[0] !== '</dict>') {
          next('<key>');
          const key = next();
          next('</key>');
          if (key in entries) throw new Error(`${key} twice`);
          entries[key] = value();
        }
        next();
        return entries;
      }
      default:
        throw new Error(`unexpected ${tag}`);
    }
  };
  next('<plist>');
  const parsed = value();
  next('</plist>');
  if (tokens.length > 0) throw new Error(`after the end: ${tokens[0]}`);
  return parsed;
}

function tokenize(xml: string): string[] {
  const tokens: string[] = [];
  let end = 0;
  for (const match of xml.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [whole, closing, name, empty] = match;
    if (name !== undefined) tokens.push(`<${closing}${name}${empty}>`);
    else if (!/^(\s|<)/.test(whole)) tokens.push(whole);
  }
  if (end !== xml.length) throw new Error(`not XML at ${xml.slice(end, end + 40)}`);
  return tokens;
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`not an integer: ${text}`);
  return Number(text);
}
