import { isJsonObject, type JsonObject } from '../../../shared/json.ts';

/** A copy without the values at the dotted paths. `*` stands for any one name. */
export function withoutFacts(facts: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce<JsonObject>((rest, path) => without(rest, path.split('.')), facts);
}

function without(value: JsonObject, segments: readonly string[]): JsonObject {
  let rest = value;
  for (let count = 1; count <= segments.length; count += 1) {
    const name = segments.slice(0, count).join('.');
    for (const key of name === '*' ? Object.keys(rest) : [name]) {
      rest = withoutKey(rest, key, segments.slice(count));
    }
  }
  return rest;
}

function withoutKey(value: JsonObject, key: string, below: readonly string[]): JsonObject {
  if (!Object.hasOwn(value, key)) return value;
  if (below.length === 0) {
    const { [key]: _, ...rest } = value;
    return rest;
  }
  const inner = value[key];
  return isJsonObject(inner) ? { ...value, [key]: without(inner, below) } : value;
}
