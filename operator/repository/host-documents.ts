import type { ZodType } from 'zod';
import { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { firstProblem, jsonObject } from '../../shared/json.ts';

/** A real document has about 2 kB. */
export const MAX_STATUS_BYTES = 256 * 1024;
/** Limit in bytes. An agent cannot be configured to write more. */
export const MAX_FACTS_BYTES = 16 * 1024 * 1024;
/** An agent cuts facts that are nested more deeply. */
const MAX_DEPTH = 40;
/** Of both documents. */
const SCHEMA_VERSION = 1;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Where a document is from. */
interface From {
  readonly certname: string;
  readonly key: string;
}

/**
 * Parses a host's status. Root on that host can write any bytes there, so the document is hostile
 * input. Throws STATUS_INVALID when it is not a status document or names another host.
 */
export function readStatusDocument(bytes: Uint8Array, from: From): StatusDocument {
  return read(bytes, StatusDocument, from);
}

/** The same for one that is JSON inside of another document. */
export function checkStatusDocument(value: unknown, from: From): StatusDocument {
  return check(value, StatusDocument, from);
}

/** The same for the facts of a host. */
export function readFactsDocument(bytes: Uint8Array, from: From): FactsDocument {
  return read(bytes, FactsDocument, from);
}

function read<T extends { readonly certname: string }>(
  bytes: Uint8Array,
  schema: ZodType<T>,
  from: From,
): T {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw invalid(from.key, 'expected JSON in UTF-8, found something else', cause);
  }
  return check(value, schema, from);
}

function check<T extends { readonly certname: string }>(
  value: unknown,
  schema: ZodType<T>,
  { certname, key }: From,
): T {
  if (depthOf(value) > MAX_DEPTH) throw invalid(key, `expected at most ${MAX_DEPTH} levels`);
  const { schemaVersion } = jsonObject(value);
  if (typeof schemaVersion === 'number' && schemaVersion > SCHEMA_VERSION) {
    throw newer(key, schemaVersion);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw invalid(key, firstProblem(parsed.error), parsed.error);
  }
  if (parsed.data.certname !== certname) {
    throw invalid(key, `it names the host ${parsed.data.certname}`);
  }
  return parsed.data;
}

function depthOf(value: unknown): number {
  let depth = 0;
  let level: unknown[] = [value];
  while (level.length > 0 && depth <= MAX_DEPTH) {
    depth++;
    level = level.flatMap((inner) =>
      typeof inner === 'object' && inner !== null ? Object.values(inner) : [],
    );
  }
  return depth;
}

/** `details.isNewer` tells it from a document that is broken. */
function newer(key: string, found: number): CodedError {
  return new CodedError(`${key} has schema version ${found}, expected ${SCHEMA_VERSION}`, {
    code: 'STATUS_INVALID',
    next: 'update mm on this machine: the agent of that host is newer',
    details: { key, isNewer: true },
  });
}

function invalid(key: string, why: string, cause?: unknown): CodedError {
  return new CodedError(`${key} is not a valid document of that host: ${why}`, {
    code: 'STATUS_INVALID',
    cause,
    next: 'on that host: mm-agent status',
    details: { key },
  });
}
