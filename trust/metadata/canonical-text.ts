import { canonicalize } from '@tufjs/canonical-json';
import { isJsonObject } from '../../shared/json.ts';

/** Text that is written already, among values that are not. */
class Ready {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Returns the text that keys sign, as `canonicalize` makes it. This function does not recurse: a
 * thief of a key can sign more levels than the stack has room for. Throws for values that canonical
 * JSON cannot represent.
 */
export function canonicalText(value: unknown): string {
  const parts: string[] = [];
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next instanceof Ready) parts.push(next.text);
    else if (Array.isArray(next)) {
      parts.push('[');
      open.push(new Ready(']'));
      for (let at = next.length - 1; at >= 0; at--) {
        open.push(next[at]);
        if (at > 0) open.push(new Ready(','));
      }
    } else if (isJsonObject(next)) {
      parts.push('{');
      open.push(new Ready('}'));
      const keys = Object.keys(next).sort();
      for (let at = keys.length - 1; at >= 0; at--) {
        const key = keys[at] ?? '';
        open.push(next[key], new Ready(`${at > 0 ? ',' : ''}${canonicalize(key)}:`));
      }
    } else parts.push(canonicalize(next));
  }
  return parts.join('');
}
