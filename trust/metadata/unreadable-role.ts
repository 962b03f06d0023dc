import { verify } from 'node:crypto';
import { Key, Metadata, MetadataKind, Targets } from '@tufjs/models';
import { UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { getPublicKey } from '@tufjs/models/dist/utils/key.js';
import { messageOf } from '../../shared/clean-text.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { canonicalText } from './canonical-text.ts';
import { MAX_LEVELS } from './json-limits.ts';

/*
 * A thief of a role's key can sign a file that TUF cannot read, for example an entry without
 * hashes, or a file that hosts refuse before they read it, for example with thousands of levels.
 * Publishers must read past such a file: otherwise they could neither revoke the key nor publish in
 * another environment.
 */

const EPOCH = '1970-01-01T00:00:00Z';
const SPEC_VERSION = '1.0.31';

/**
 * Represents such a file. It lists nothing, and `toJSON` returns what was signed, so that a person
 * can see it. Levels that no function can walk are cut from that view, far below the allowed depth:
 * the document is still refused for its depth.
 */
class UnreadableTargets extends Targets {
  readonly why: string;
  /** The bytes that were signed. */
  readonly message: Buffer;
  readonly #shown: JsonObject;

  constructor(signed: JsonObject, why: string) {
    const { version, expires } = signed;
    const isInstant = typeof expires === 'string' && !Number.isNaN(Date.parse(expires));
    const common = { specVersion: SPEC_VERSION, version: Number(version) };
    super({ ...common, expires: isInstant ? expires : EPOCH });
    this.why = why;
    this.message = Buffer.from(canonicalText(signed));
    this.#shown = jsonObject(cut(signed, 2 * MAX_LEVELS));
  }

  override toJSON(): ReturnType<Targets['toJSON']> {
    return { ...this.#shown } as ReturnType<Targets['toJSON']>;
  }
}

function cut(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((each) => cut(each, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, cut(each, levels - 1)]),
  );
}

/**
 * The library verifies the text of `toJSON`, which is cut here, so the signed bytes are verified
 * instead.
 */
const verifySignature = Key.prototype.verifySignature;
Key.prototype.verifySignature = function (document) {
  const { signed, signatures } = document;
  if (!(signed instanceof UnreadableTargets)) return verifySignature.call(this, document);
  const key = getPublicKey({
    keyType: this.keyType,
    scheme: this.scheme,
    keyVal: this.keyVal['public'] ?? '',
  });
  const signature = Buffer.from(signatures[this.keyID]?.sig ?? '', 'hex');
  if (verify(key.hashAlgorithm, signed.message, key, signature)) return;
  throw new UnsignedMetadataError(`failed to verify ${this.keyID} signature`);
};

/** Why hosts refuse the file that the document stands for. Undefined for every other document. */
export function whyUnreadable({ signed }: { readonly signed: unknown }): string | undefined {
  return signed instanceof UnreadableTargets ? signed.why : undefined;
}

/** Whether the document stands for a file that hosts refuse. */
export function isUnreadable(document: { readonly signed: unknown }): boolean {
  return whyUnreadable(document) !== undefined;
}

/**
 * Returns a document for the file of a delegated role that its keys signed and that hosts refuse,
 * because TUF cannot read it or reads other values, or because of `refusal`. Undefined for every
 * other file. The bytes must have passed `identifyMetadata`.
 */
export function unreadableRole(
  bytes: Uint8Array,
  role: string,
  given: { readonly delegator: Metadata<Targets>; readonly refusal: Error | undefined },
): Metadata<Targets> | undefined {
  const { delegator } = given;
  const file = jsonObject(JSON.parse(Buffer.from(bytes).toString('utf8')));
  const refusal = given.refusal ?? refusalByTuf(file);
  if (refusal === undefined) return undefined;
  try {
    const { signatures } = read({ ...file, signed: EMPTY });
    const signed = new UnreadableTargets(jsonObject(file['signed']), messageOf(refusal, 300));
    const document = new Metadata(signed, signatures);
    delegator.verifyDelegate(role, document);
    return document;
  } catch {
    return undefined;
  }
}

const EMPTY = {
  _type: 'targets',
  spec_version: SPEC_VERSION,
  version: 1,
  expires: EPOCH,
  targets: {},
};

/** Hosts verify signatures over what TUF read. TUF reads a list as an empty object, for example. */
function refusalByTuf(file: JsonObject): unknown {
  try {
    const signed = canonicalText(read(file).signed.toJSON());
    if (signed === canonicalText(file['signed'])) return undefined;
    return new Error('hosts would read other values than its keys signed');
  } catch (error) {
    return error;
  }
}

function read(file: JsonObject): Metadata<Targets> {
  // The library has one overload for each kind. The kind decides the type of the result.
  const fromJson = Metadata.fromJSON as (kind: MetadataKind, file: unknown) => unknown;
  return fromJson(MetadataKind.Targets, file) as Metadata<Targets>;
}
