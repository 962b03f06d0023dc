import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { Key } from '@tufjs/models';
import { isUnreadable } from '../metadata/unreadable-role.ts';

/*
 * A command of mm reads the same files several times: what it kept, the bucket, and the bucket
 * again after its commit. To hold a release took a hundred verifications of ten signatures, a
 * quarter of the CPU of the command. Importing this file makes the library remember in this process
 * which signatures were right. A wrong one is verified each time. The agent does not import it: in
 * one pass it would save 0.1 % of a cycle (ADR 0022).
 */

/** A tree of a hundred environments needs fewer. */
const MAX_KNOWN = 500;
const known = new Set<string>();

const verifySignature = Key.prototype.verifySignature;
Key.prototype.verifySignature = function (metadata) {
  const digest = digestOf(this, metadata);
  if (digest !== undefined && known.has(digest)) return;
  verifySignature.call(this, metadata);
  if (digest === undefined) return;
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(digest);
};

type Signable = Parameters<Key['verifySignature']>[0];

/**
 * Of everything that the result of a verification depends on: key, signature, signed bytes.
 * Undefined for content that cannot be signed, which the library refuses, and for content that
 * hosts refuse.
 */
function digestOf({ keyID, keyType, scheme, keyVal }: Key, metadata: Signable): string | undefined {
  // Its JSON may be shorter than what was signed.
  if (isUnreadable(metadata)) return undefined;
  const signature = metadata.signatures[keyID]?.sig;
  // JSON contains no line end, so nothing can move from one part to the next.
  const head = `${JSON.stringify([keyType, scheme, keyVal['public'], signature])}\n`;
  try {
    const body = canonicalize(metadata.signed.toJSON());
    return createHash('sha256').update(head).update(body).digest('base64');
  } catch {
    return undefined;
  }
}
