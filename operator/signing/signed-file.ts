import { canonicalize } from '@tufjs/canonical-json';
import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { Metadata, MetadataKind } from '@tufjs/models';
import { inspectMetadata } from '../../bucket/trust/inspect.ts';
import { expiresAt } from './expiry-days.ts';
import { assertSound, type LintContext } from './lint.ts';
import type { Json } from './lint-parts.ts';
import type { Signer } from './signer.ts';

/** A file of signed metadata, ready for the bucket. */
export interface SignedFile {
  /** TUF's name: `3.env-stable.json`, `timestamp.json`. */
  readonly file: string;
  readonly version: number;
  readonly bytes: Buffer;
}

/** What a role says, without what every signature sets anew: version, expiry, tree. */
export type RoleContent = Json & { readonly _type: 'root' | 'targets' | 'snapshot' | 'timestamp' };

export interface SigningRequest extends LintContext {
  readonly version: number;
  readonly content: RoleContent;
  readonly signers: readonly Signer[];
}

/** The kind of document that a role is: every delegated role is a targets document. */
interface KindOf {
  root: Root;
  targets: Targets;
  snapshot: Snapshot;
  timestamp: Timestamp;
}

/**
 * Completes, checks and signs the content of a role, and reads the result back as a client would. Throws
 * METADATA_INVALID for what fails the lint, KEY_* when a key does not sign.
 */
export async function signFile(request: SigningRequest): Promise<SignedFile> {
  const { role, treeId, now, version, content, signers } = request;
  const signed: Json = {
    ...content,
    spec_version: '1.0.31',
    version,
    expires: expiresAt(role, now),
    'x-tree': treeId,
  };
  assertSound(signed, request);
  const message = Buffer.from(canonicalize(signed));
  const signatures: Json[] = [];
  for (const signer of signers) {
    const sig = (await signer.sign(message)).toString('hex');
    signatures.push({ keyid: signer.keyId, sig });
  }
  const bytes = Buffer.from(`${JSON.stringify({ signatures, signed })}\n`);
  const file = role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`;
  inspectMetadata(bytes, file, treeId);
  return { file, version, bytes };
}

/** Reads a document; its signatures are for the caller to check, by its delegator's `verifyDelegate`. */
export function parseSignedFile<K extends keyof KindOf>(
  bytes: Uint8Array,
  kind: K,
): Metadata<KindOf[K]> {
  const kinds = {
    root: MetadataKind.Root,
    targets: MetadataKind.Targets,
    snapshot: MetadataKind.Snapshot,
    timestamp: MetadataKind.Timestamp,
  } as const;
  const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  // The library's overloads name each kind; which one it is decides the type that comes back.
  const read = Metadata.fromJSON as (kind: MetadataKind, document: unknown) => unknown;
  return read(kinds[kind], document) as Metadata<KindOf[K]>;
}
