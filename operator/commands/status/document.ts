import { StatusDocument } from '../../../bucket/documents/status.ts';
import { CodedError } from '../../../shared/coded-error.ts';

/** A real document has about 2 kB. */
export const MAX_STATUS_BYTES = 256 * 1024;
const MAX_DEPTH = 32;

/**
 * Parses a host's status. Root on that host can write any bytes there, so the document is hostile
 * input. Throws STATUS_INVALID when it is not a status document or names another host.
 */
export function readStatusDocument(
  bytes: Uint8Array,
  { certname, key }: { readonly certname: string; readonly key: string },
): StatusDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(key, 'expected JSON in UTF-8, found something else', cause);
  }
  if (depthOf(value) > MAX_DEPTH) throw invalid(key, `expected at most ${MAX_DEPTH} levels`);
  const parsed = StatusDocument.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(key, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
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

function invalid(key: string, why: string, cause?: unknown): CodedError {
  return new CodedError(`${key} is not a valid status of that host: ${why}`, {
    code: 'STATUS_INVALID',
    cause,
    next: 'on that host: mm-agent status',
    details: { key },
  });
}
