import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { isExactNumber } from './exact-json.ts';

const MAX_DEPTH = 32;
/** In UTF-16 units. No useful fact is longer; a key file or a dump is not a fact. */
const MAX_STRING = 16 * 1024;

/**
 * Returns a copy that every JSON writer accepts: well-formed strings of at most 16 Ki characters,
 * and at most 32 levels. A marker replaces what is too large.
 */
export function sanitizedFacts(facts: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [sanitizeText(name), sanitize(value, 1)]),
  );
}

function sanitize(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return sanitizeText(value);
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  if (depth >= MAX_DEPTH) return '(not sent: nested too deeply)';
  if (Array.isArray(value)) return value.map((inner: unknown) => sanitize(inner, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [sanitizeText(name), sanitize(inner, depth + 1)]),
  );
}

function sanitizeText(text: string): string {
  if (text.length <= MAX_STRING) return text.toWellFormed();
  return `${text.slice(0, MAX_STRING)}… (clipped)`.toWellFormed();
}

/**
 * Returns facts that fit into `maxBytes` of JSON. A marker replaces the largest ones, which
 * `omitted` names.
 */
export function boundedFacts(
  facts: JsonObject,
  maxBytes: number,
): { readonly facts: JsonObject; readonly omitted: readonly string[] } {
  const sizes = Object.entries(facts).map(([name, value]) => ({
    name,
    bytes: jsonBytes(name) + jsonBytes(value) + 2,
  }));
  let total = sizes.reduce((sum, { bytes }) => sum + bytes, 2);
  const omitted: string[] = [];
  // The marker does not contain the size: a fact that grows at each run would change the digest
  // each time.
  const marker = `(not sent: among the largest of facts over ${maxBytes} bytes)`;
  for (const { name, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
    const saved = bytes - (jsonBytes(name) + jsonBytes(marker) + 2);
    if (total <= maxBytes || saved <= 0) break;
    omitted.push(name);
    total -= saved;
  }
  const replaced = Object.fromEntries(omitted.map((name) => [name, marker]));
  const bounded = { ...facts, ...replaced };
  return total <= maxBytes
    ? { facts: bounded, omitted }
    : { facts: {}, omitted: Object.keys(facts) };
}

/** Size of the value as JSON, in bytes of UTF-8. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Shortens a value for the status document, which has room for short facts only. */
export function promotedValue(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 300 ? `${value.slice(0, 299)}…` : value;
  const isLarge = (isJsonObject(value) || Array.isArray(value)) && jsonBytes(value) > 1000;
  return isLarge ? '(too large here: see the facts document)' : value;
}
