import { canonicalize } from '@tufjs/canonical-json';
import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { Metadata, MetadataKind } from '@tufjs/models';
import type { JsonObject } from '../../shared/json.ts';
import { inspectMetadata } from '../../trust/workflow/inspect.ts';
import '../../trust/workflow/linear-models.ts';
import type { Signer } from '../keys/public/signer.ts';
import { expiresAt, type SigningMode } from './expiry-days.ts';
import { assertSound, type LintContext } from './lint/lint.ts';

/*
 * The metadata of a role. This file completes, checks and signs it; lint/ refuses what mm never
 * signs. verified.ts has the documents that a change starts from, delegation.ts says which keys may
 * sign, role-keys.ts changes them, and expiry-days.ts how long a signature is valid.
 */

/** A file of signed metadata, ready for the bucket. */
export interface SignedFile {
  /** TUF's name: `3.env-stable.json`, `timestamp.json`. */
  readonly file: string;
  readonly version: number;
  readonly bytes: Buffer;
}

/** The content of a role without the fields that mm sets itself: version, expiry, tree, role. */
export type RoleContent = JsonObject & {
  readonly _type: 'root' | 'targets' | 'snapshot' | 'timestamp';
};

export interface DraftRequest extends LintContext {
  readonly version: number;
  readonly content: RoleContent;
  readonly mode?: SigningMode | undefined;
}

export interface SigningRequest extends DraftRequest {
  readonly signers: readonly Signer[];
}

/**
 * A complete document that is passed from one signer to the next. All of them sign the same bytes.
 */
export interface Draft {
  readonly role: string;
  readonly signed: JsonObject;
  readonly signatures: readonly Signature[];
}

export interface Signature {
  readonly keyid: string;
  /** Hex. */
  readonly sig: string;
}

/** The kind of document that a role is: every delegated role is a targets document. */
interface KindOf {
  root: Root;
  targets: Targets;
  snapshot: Snapshot;
  timestamp: Timestamp;
}

/**
 * Completes, checks and signs the content of a role. Throws METADATA_INVALID when the content fails
 * the lint, and KEY_* when a key cannot sign.
 */
export async function signFile(request: SigningRequest): Promise<SignedFile> {
  const draft = await addSignatures(draftOf(request), request.signers);
  return draftToFile(draft, request.treeId);
}

/** The document as it will be signed. Throws METADATA_INVALID. */
export function draftOf(request: DraftRequest): Draft {
  const { role, treeId, now, version, content, mode } = request;
  const signed: JsonObject = {
    ...content,
    spec_version: '1.0.31',
    version,
    expires: expiresAt(role, now, mode),
    'x-tree': treeId,
    // All delegated roles are of one type, so only this tells their files apart.
    ...(content._type === 'targets' && { 'x-role': role }),
  };
  assertSound(signed, request);
  return { role, signed, signatures: [] };
}

/** The bytes that every signer signs. */
export function messageOf({ signed }: Pick<Draft, 'signed'>): Buffer {
  return Buffer.from(canonicalize(signed));
}

/** Signs with each signer whose signature is missing. Throws KEY_*. */
export async function addSignatures(draft: Draft, signers: readonly Signer[]): Promise<Draft> {
  const message = messageOf(draft);
  const signatures = [...draft.signatures];
  for (const signer of signers) {
    if (signatures.some(({ keyid }) => keyid === signer.keyId)) continue;
    const sig = (await signer.sign(message)).toString('hex');
    signatures.push({ keyid: signer.keyId, sig });
  }
  return { ...draft, signatures };
}

/**
 * The file for the bucket. The caller must check that it has enough signatures. Throws
 * METADATA_INVALID.
 */
export function draftToFile({ role, signed, signatures }: Draft, treeId: string): SignedFile {
  const version = Number(signed['version']);
  const bytes = Buffer.from(`${JSON.stringify({ signatures, signed })}\n`);
  const file = role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`;
  inspectMetadata(bytes, file, treeId);
  return { file, version, bytes };
}

/** Unsigned content, parsed as the document that it will become. */
export function parseContent<K extends keyof KindOf>(
  content: JsonObject,
  kind: K,
): Metadata<KindOf[K]> {
  return parseSignedFile(Buffer.from(JSON.stringify({ signatures: [], signed: content })), kind);
}

/**
 * Parses a document. The caller must check its signatures with its delegator's `verifyDelegate`.
 */
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
  // The library has one overload for each kind. The kind decides the type of the result.
  const read = Metadata.fromJSON as (kind: MetadataKind, document: unknown) => unknown;
  return read(kinds[kind], document) as Metadata<KindOf[K]>;
}
