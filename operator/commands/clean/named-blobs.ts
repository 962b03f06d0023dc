import type { Metadata, Targets } from '@tufjs/models';
import type { ListedObject } from '../../../bucket/bucket.ts';
import { metadataPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { jsonObject } from '../../../shared/json.ts';
import { isBinariesRole } from '../../../trust/metadata/role-names.ts';
import { unreadableRole } from '../../../trust/metadata/unreadable-role.ts';
import { identifyMetadata, refusalOf } from '../../../trust/workflow/inspect.ts';
import { removalsIn } from '../../metadata/binaries.ts';
import { verifies } from '../../metadata/delegation.ts';
import { isOwn } from '../../metadata/role-keys.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { readFile } from '../../repository/stored-files.ts';

/** Returns the sha256 of each tarball and binary that the verified metadata names now. */
export function namedNow({ roles }: VerifiedMetadata): Set<string> {
  return new Set([...roles.values()].flatMap((document) => [...namesIn(document)]));
}

/**
 * The sha256 of each tarball and binary that was named at any time since `since`, in ms since 1970.
 * A file of a role was in use until the next version of the role replaced it. Therefore the newest
 * file of each role from before `since` counts, too. A file that can be read and is not signed only
 * adds what is kept. Throws METADATA_INVALID for a file that cannot be read, unless the keys of
 * the role signed it so: then no host took a release from it.
 */
export async function namedSince(
  repository: Repository,
  verified: VerifiedMetadata,
  since: number,
): Promise<Set<string>> {
  const named = namedNow(verified);
  const files = await listRoleFiles(repository);
  const isTargetsOld = files.targetsAt < since;
  for (const [role, versions] of files.roles) {
    const isDelegated = verified.roles.has(role);
    // A role that was removed: its last releases were in use until targets dropped it.
    if (!isDelegated && isTargetsOld) continue;
    let replaced = Number.POSITIVE_INFINITY;
    for (const { version, file, lastModified } of versions) {
      const document = await readRole(repository, verified, { role, file });
      for (const sha256 of namesIn(document)) named.add(sha256);
      // The versions between a version and the one that it replaced were never in use.
      const isInUse = isDelegated && version <= replaced && isSigned(verified, role, document);
      if (!isInUse) continue;
      const before = replacedBy(document);
      // A list of binaries does not say which one it replaced.
      if (lastModified < since && (before !== undefined || isBinariesRole(role))) break;
      replaced = before ?? version - 1;
    }
  }
  return named;
}

/**
 * sha256 of the tarballs and binaries that a thief may have taken out of the metadata. With one key
 * the thief signs a list without them, writes old dates into it, and prepares older files. So a key
 * of this machine must have signed every file after the last one that named the object, and the
 * first of these files must have the statement of a command.
 */
export async function goneWithoutReason(
  repository: Repository,
  verified: VerifiedMetadata,
  blobs: readonly { readonly sha256: string; readonly uploadedAt: string }[],
): Promise<Set<string>> {
  const doubtful = new Set<string>();
  if (blobs.length === 0) return doubtful;
  const wanted = new Set(blobs.map(({ sha256 }) => sha256));
  // No file from before its upload names a tarball.
  const since = Math.min(...blobs.map(({ uploadedAt }) => Date.parse(uploadedAt)));
  for (const [role, versions] of (await listRoleFiles(repository)).roles) {
    let newer: Metadata<Targets> | undefined;
    let areNewerOwn = true;
    const open = new Set(wanted);
    for (const { file, lastModified } of versions) {
      if (lastModified < since || open.size === 0) break;
      const document = await readRole(repository, verified, { role, file }).catch(ifInvalid);
      for (const sha256 of document === undefined ? [] : namesIn(document)) {
        if (!open.delete(sha256) || newer === undefined) continue;
        if (!(areNewerOwn && isReplacement(role, newer, sha256))) doubtful.add(sha256);
      }
      areNewerOwn &&= document !== undefined && isOwn(document, repository.keyring);
      newer = document ?? newer;
    }
  }
  return doubtful;
}

function ifInvalid(error: unknown): undefined {
  if (!(error instanceof CodedError && error.code === 'METADATA_INVALID')) throw error;
}

/** Whether a file has the statement of a command that replaced or removed something. */
function isReplacement(role: string, document: Metadata<Targets>, sha256: string): boolean {
  if (!isBinariesRole(role)) return replacedBy(document) !== undefined;
  return removalsIn(document.signed.toJSON()).some((removed) => removed.sha256 === sha256);
}

interface RoleFile extends Pick<ListedObject, 'lastModified'> {
  readonly version: number;
  readonly file: string;
}

async function listRoleFiles({ bucket, tree }: Repository): Promise<{
  /** Newest version first. */
  readonly roles: ReadonlyMap<string, readonly RoleFile[]>;
  /** When targets last changed, ms since 1970. */
  readonly targetsAt: number;
}> {
  const prefix = metadataPrefix(tree);
  const roles = new Map<string, RoleFile[]>();
  let targetsAt = 0;
  for await (const { key, lastModified } of bucket.list(prefix)) {
    const file = key.slice(prefix.length);
    const [, version, role = ''] =
      /^([1-9]\d{0,9})\.(targets|env-.+|binaries(?:-\d+)?)\.json$/.exec(file) ?? [];
    if (role === 'targets') targetsAt = Math.max(targetsAt, lastModified);
    else if (role !== '') {
      const files = roles.get(role) ?? [];
      roles.set(role, files);
      files.push({ version: Number(version), file, lastModified });
    }
  }
  for (const files of roles.values()) files.sort((a, b) => b.version - a.version);
  return { roles, targetsAt };
}

async function readRole(
  repository: Repository,
  { targets }: VerifiedMetadata,
  { role, file }: { readonly role: string; readonly file: string },
): Promise<Metadata<Targets>> {
  const stored = await readFile(repository, file);
  try {
    if (stored === undefined) throw new Error('missing, or too large');
    identifyMetadata(stored.bytes, file, repository.treeId);
    return parsed(stored.bytes, { role, file, delegator: targets });
  } catch (cause) {
    const { bucket, tree } = repository;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(
      `s3://${bucket.name}/${metadataPrefix(tree)}${file} does not say what it names: ${why}`,
      {
        code: 'METADATA_INVALID',
        cause,
        next: 'find out who wrote it, and restore its object version or remove it; nothing was removed',
        details: { file },
      },
    );
  }
}

function parsed(
  bytes: Buffer,
  given: {
    readonly role: string;
    readonly file: string;
    readonly delegator: VerifiedMetadata['targets'];
  },
): Metadata<Targets> {
  const { role, file, delegator } = given;
  const refusal = refusalOf(bytes, file);
  try {
    if (refusal !== undefined) throw refusal;
    return parseSignedFile(bytes, 'targets');
  } catch (error) {
    const unreadable = delegator && unreadableRole(bytes, role, { delegator, refusal });
    if (unreadable === undefined) throw error;
    return unreadable;
  }
}

function namesIn({ signed }: Metadata<Targets>): string[] {
  return Object.values(signed.targets).flatMap(({ hashes }) => hashes['sha256'] ?? []);
}

function isSigned({ targets }: VerifiedMetadata, role: string, document: Metadata<Targets>) {
  return targets !== undefined && verifies(targets, role, document);
}

/** The version that this one replaced. Undefined when an older mm wrote the file without it. */
function replacedBy({ signed }: Metadata<Targets>): number | undefined {
  const after = Object.values(signed.targets)
    .map(({ custom }) => jsonObject(custom['change'])['after'])
    .filter((version): version is number => typeof version === 'number')
    .filter((version) => version < signed.version);
  return after.length === 0 ? undefined : Math.max(...after);
}
