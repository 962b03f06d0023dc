import type { Metadata, TargetFile, Targets } from '@tufjs/models';
import * as z from 'zod';
import { BinaryCustom, RemovedBinary } from '../../bucket/documents/binary.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { maxSignedBytes } from '../../trust/metadata/file-limits.ts';
import { binaryTarget } from '../../trust/metadata/role-names.ts';
import { isUnreadable } from '../../trust/metadata/unreadable-role.ts';
import { requireOwnPaths } from './heard-releases.ts';
import { lintBinary } from './lint/targets.ts';
import type { RoleContent } from './signed-file.ts';
import { contentOfRole } from './slots.ts';
import type { VerifiedMetadata } from './verified.ts';

/*
 * The role of binaries: files that manifests need, such as packages. One role of the tree lists
 * them for all environments, so hosts that need none never read it.
 */

/** A binary that the metadata names. */
export interface ListedBinary {
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  readonly custom: BinaryCustom;
}

/** Binaries that the metadata named before, in the signed part of the role. */
const REMOVED = 'x-removed';

/** The role that answers for binaries; undefined when the tree has none. */
export function binariesRole(targets: Metadata<Targets> | undefined): string | undefined {
  const [found] = targets?.signed.delegations?.rolesForTarget(binaryTarget('any')) ?? [];
  return found?.role;
}

/** The same. Throws METADATA_MISSING when the tree has none. */
export function requireBinariesRole({ targets }: Pick<VerifiedMetadata, 'targets'>): string {
  const role = binariesRole(targets);
  if (role !== undefined) return role;
  throw new CodedError('no key of this tree may sign binaries yet', {
    code: 'METADATA_MISSING',
    next: 'mm binaries init, once, by the holders of the targets keys',
  });
}

/**
 * Sorted by name. Throws METADATA_MISSING as above, METADATA_INVALID for a newer format and for a
 * path that does not name a binary.
 */
export function listedBinaries(verified: VerifiedMetadata): ListedBinary[] {
  const role = requireBinariesRole(verified);
  requireOwnPaths(verified, role);
  const document = verified.roles.get(role);
  if (document === undefined) return [];
  if (!isUnreadable(document)) return binariesIn(Object.entries(document.signed.targets));
  throw new CodedError('hosts cannot read what is signed for binaries', {
    code: 'METADATA_INVALID',
    next: 'mm key list, then mm key revoke NAME --drop-binaries',
  });
}

/**
 * What a file of the role lists and mm would sign, and the paths of everything else: a thief of a
 * key can list anything.
 */
export function soundBinaries({ signed: { targets } }: Metadata<Targets>): {
  readonly binaries: ListedBinary[];
  readonly unsound: string[];
} {
  const all = Object.entries(targets);
  const sound = all.filter(
    ([path, target]) => lintBinary(path, jsonObject(target.toJSON())).length === 0,
  );
  const names = new Set(sound.map(([path]) => path));
  const unsound = all.map(([path]) => path).filter((path) => !names.has(path));
  return { binaries: binariesIn(sound), unsound };
}

/** Sorted by name. Throws METADATA_INVALID as above. */
function binariesIn(targets: readonly (readonly [string, TargetFile])[]): ListedBinary[] {
  const listed = targets.map(([path, { hashes, length, custom }]) => {
    const name = path.slice(binaryTarget('').length);
    const parsed = BinaryCustom.safeParse(custom);
    if (!parsed.success) {
      throw new CodedError(`binary ${name} was signed by a newer mm than this one`, {
        code: 'METADATA_INVALID',
        cause: parsed.error,
        next: 'install the newer mm; without one, a key was stolen: mm key list, then mm key revoke NAME --drop-binaries',
      });
    }
    return { name, sha256: String(hashes['sha256']), length, custom: parsed.data };
  });
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those that were removed or replaced at `since` or later, in ms since 1970. */
export function removedBinaries(verified: VerifiedMetadata, since: number): RemovedBinary[] {
  const role = binariesRole(verified.targets);
  const document = role === undefined ? undefined : verified.roles.get(role);
  return removedSince(document?.signed.toJSON() ?? {}, since);
}

function removedSince(content: JsonObject, since: number): RemovedBinary[] {
  return removalsIn(content).filter(({ at }) => Date.parse(at) >= since);
}

/** What the signed part of the role says of binaries that it listed before. */
export function removalsIn(content: JsonObject): RemovedBinary[] {
  return z.array(RemovedBinary).safeParse(content[REMOVED] ?? []).data ?? [];
}

export interface BinariesEdit {
  readonly put: readonly ListedBinary[];
  /** Names. */
  readonly remove: readonly string[];
  readonly by: string;
  /** Why binaries are removed or replaced. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Earlier removals are forgotten after this time, in ms. */
  readonly keptMs: number;
}

/** The content of the role after the edit. */
export function editedBinaries(verified: VerifiedMetadata, edit: BinariesEdit): RoleContent {
  const { put, remove, by, reason, now, keptMs } = edit;
  const content = contentOfRole(verified, requireBinariesRole(verified));
  const at = new Date(now).toISOString();
  const targets: Record<string, unknown> = { ...jsonObject(content['targets']) };
  const gone: RemovedBinary[] = listedBinaries(verified)
    .filter(
      ({ name, sha256 }) =>
        remove.includes(name) || put.some((each) => each.name === name && each.sha256 !== sha256),
    )
    .map(({ name, sha256 }) => ({ name, sha256, at, by, reason }));
  for (const name of remove) delete targets[binaryTarget(name)];
  for (const { name, sha256, length, custom } of put) {
    targets[binaryTarget(name)] = { length, hashes: { sha256 }, custom };
  }
  const removed = [...removedSince(content, now - keptMs), ...gone];
  const { [REMOVED]: _, ...rest } = content;
  return { ...rest, targets, ...(removed.length > 0 && { [REMOVED]: removed }) } as RoleContent;
}

/**
 * Room for what mm adds when it signs, bytes. A list that was signed can always be signed again.
 */
const ROOM = 16_384;

/** Throws USAGE for a list that would be larger than what hosts read. */
export function requireRoom(content: RoleContent, added: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(content));
  const most = maxSignedBytes('targets') - ROOM;
  if (bytes <= most) return;
  throw new CodedError(
    `with these ${added} the signed list of binaries would have ${bytes} bytes, and hosts read at most ${most}; nothing was uploaded`,
    {
      code: 'USAGE',
      next: 'mm binaries list, then mm binaries remove what no manifest needs; removed names count for 90 days',
      details: { bytes, most },
    },
  );
}

/** Limit of the binaries that an emptied list remembers: signers read each value of a proposal. */
const MAX_REMEMBERED = 900;

/**
 * The content of the role without any binary. It names those that it had, for `mm log` and `mm
 * clean`. The others stay in the bucket for longer.
 */
export function emptiedBinaries(
  content: RoleContent,
  { by, now }: Pick<BinariesEdit, 'by' | 'now'>,
): RoleContent {
  const at = new Date(now).toISOString();
  const removed = Object.entries(jsonObject(content['targets']))
    .slice(0, MAX_REMEMBERED)
    .map(([path, target]) => {
      const sha256 = String(jsonObject(jsonObject(target)['hashes'])['sha256']);
      return { name: path.slice(binaryTarget('').length), sha256, at, by, reason: 'emptied list' };
    });
  return { _type: 'targets', targets: {}, ...(removed.length > 0 && { [REMOVED]: removed }) };
}
