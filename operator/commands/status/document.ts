import { StatusDocument } from '../../../bucket/documents/status.ts';
import { CodedError } from '../../../shared/coded-error.ts';

/** An honest one has about 2 kB. */
export const MAX_STATUS_BYTES = 256 * 1024;
const MAX_DEPTH = 32;

/**
 * A host's status, read as what it is: bytes that whoever is root there may have written. Throws STATUS_INVALID when they
 * are no status document, or one that speaks for another host.
 */
export function readStatusDocument(
  bytes: Uint8Array,
  { certname, key }: { readonly certname: string; readonly key: string },
): StatusDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(key, 'wanted JSON in UTF-8, found something else', cause);
  }
  if (depthOf(value) > MAX_DEPTH) throw invalid(key, `wanted at most ${MAX_DEPTH} levels`);
  const parsed = StatusDocument.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(key, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
  }
  if (parsed.data.certname !== certname) {
    throw invalid(key, `it speaks for ${parsed.data.certname}`);
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
  return new CodedError(`${key} is no status of that host: ${why}`, {
    code: 'STATUS_INVALID',
    cause,
    next: 'look at the host itself: mm-agent status',
    details: { key },
  });
}
