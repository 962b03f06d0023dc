import { Metadata, MetadataKind, Targets } from '@tufjs/models';
import { type JsonObject, jsonObject } from '../../shared/json.ts';

/*
 * A thief of a role's key can sign a file that TUF cannot read, for example an entry without
 * hashes. Hosts refuse it. A publisher who did so as well could neither revoke the key nor publish
 * in another environment.
 */

const EPOCH = '1970-01-01T00:00:00Z';
const SPEC_VERSION = '1.0.31';

/**
 * Stands for such a file: it lists nothing, and `toJSON` returns what was signed, so that its
 * signatures verify and nothing of it is lost from view.
 */
class UnreadableTargets extends Targets {
  readonly #signed: JsonObject;

  constructor(signed: JsonObject) {
    const { version, expires } = signed;
    const isInstant = typeof expires === 'string' && !Number.isNaN(Date.parse(expires));
    const common = { specVersion: SPEC_VERSION, version: Number(version) };
    super({ ...common, expires: isInstant ? expires : EPOCH });
    this.#signed = signed;
  }

  override toJSON(): ReturnType<Targets['toJSON']> {
    return { ...this.#signed } as ReturnType<Targets['toJSON']>;
  }
}

/** Whether the document stands for a file that TUF cannot read. */
export function isUnreadable({ signed }: Metadata<Targets>): boolean {
  return signed instanceof UnreadableTargets;
}

/**
 * A document for the file of a delegated role that its keys signed and that TUF cannot read.
 * Undefined for every other file. The bytes must have passed `inspectMetadata`.
 */
export function unreadableRole(
  bytes: Uint8Array,
  role: string,
  delegator: Metadata<Targets>,
): Metadata<Targets> | undefined {
  const file = jsonObject(JSON.parse(Buffer.from(bytes).toString('utf8')));
  if (isReadable(file)) return undefined;
  try {
    const { signatures } = read({ ...file, signed: EMPTY });
    const document = new Metadata(new UnreadableTargets(jsonObject(file['signed'])), signatures);
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

function isReadable(file: JsonObject): boolean {
  try {
    read(file);
    return true;
  } catch {
    return false;
  }
}

function read(file: JsonObject): Metadata<Targets> {
  // The library has one overload for each kind. The kind decides the type of the result.
  const fromJson = Metadata.fromJSON as (kind: MetadataKind, file: unknown) => unknown;
  return fromJson(MetadataKind.Targets, file) as Metadata<Targets>;
}
