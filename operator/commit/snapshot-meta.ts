import { createHash } from 'node:crypto';
import type { Metadata, Targets } from '@tufjs/models';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';

/**
 * The entries of a snapshot: for targets and each role that it delegates, the file that was
 * verified or was just made. Only entries of roles that are no longer delegated are copied from the
 * previous snapshot. Hosts refuse a snapshot that lacks an entry they have seen (TUF 5.5.5), and
 * such an entry leads nowhere.
 */
export function snapshotMeta(
  { files, snapshot }: VerifiedMetadata,
  made: ReadonlyMap<string, SignedFile>,
  given: {
    readonly targets: Metadata<Targets> | undefined;
    /** False: no host has a snapshot that still counts, and its entries may be a thief's. */
    readonly isContinued: boolean;
  },
): JsonObject {
  const { targets, isContinued } = given;
  const delegated = Object.keys(targets?.signed.delegations?.roles ?? {});
  const meta: Record<string, unknown> = {};
  for (const role of ['targets', ...delegated]) {
    const bytes = made.get(role)?.bytes ?? files.get(role);
    if (bytes !== undefined) meta[`${role}.json`] = entryOf(bytes);
  }
  if (!isContinued) return meta;
  for (const [file, entry] of Object.entries(snapshot?.signed.meta ?? {})) {
    meta[file] ??= entry.toJSON();
  }
  return meta;
}

/** Reads only the version, because the keys of a role can sign a file that TUF cannot read. */
function entryOf(bytes: Buffer): JsonObject {
  const { version } = jsonObject(jsonObject(JSON.parse(bytes.toString()))['signed']);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}
