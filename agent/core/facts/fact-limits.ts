import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { isExactNumber } from './exact-json.ts';

const MAX_DEPTH = 32;
/** In UTF-16 units. No useful fact is longer; a key file or a dump is not a fact. */
const MAX_STRING = 16 * 1024;

/**
 * A copy that every JSON writer accepts: well-formed strings of at most 16 Ki characters, and at
 * most 32 levels. A marker replaces what is too large.
 */
export function tamedFacts(facts: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [tameText(name), tame(value, 1)]),
  );
}

function tame(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return tameText(value);
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  if (depth >= MAX_DEPTH) return '(not sent: nested too deeply)';
  if (Array.isArray(value)) return value.map((inner: unknown) => tame(inner, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [tameText(name), tame(inner, depth + 1)]),
  );
}

function tameText(text: string): string {
  if (text.length <= MAX_STRING) return text.toWellFormed();
  return `${text.slice(0, MAX_STRING)}… (clipped)`.toWellFormed();
}

/** Facts that fit into `maxBytes` of JSON. A marker replaces the largest ones, named in `left`. */
export function boundedFacts(
  facts: JsonObject,
  maxBytes: number,
): { readonly facts: JsonObject; readonly left: readonly string[] } {
  const sizes = Object.entries(facts).map(([name, value]) => ({
    name,
    bytes: jsonBytes(name) + jsonBytes(value) + 2,
  }));
  let total = sizes.reduce((sum, { bytes }) => sum + bytes, 2);
  const left: string[] = [];
  // The marker does not contain the size: a fact that grows at each run would change the digest
  // each time.
  const marker = `(not sent: among the largest of facts over ${maxBytes} bytes)`;
  for (const { name, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
    const saved = bytes - (jsonBytes(name) + jsonBytes(marker) + 2);
    if (total <= maxBytes || saved <= 0) break;
    left.push(name);
    total -= saved;
  }
  const replaced = Object.fromEntries(left.map((name) => [name, marker]));
  const bounded = { ...facts, ...replaced };
  return total <= maxBytes ? { facts: bounded, left } : { facts: {}, left: Object.keys(facts) };
}

/** Size of the value as JSON, in bytes of UTF-8. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** A value that fits into the status document, which has room for short facts only. */
export function promotable(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 300 ? `${value.slice(0, 299)}…` : value;
  const isLarge = (isJsonObject(value) || Array.isArray(value)) && jsonBytes(value) > 1000;
  return isLarge ? '(too large here: see the facts document)' : value;
}
