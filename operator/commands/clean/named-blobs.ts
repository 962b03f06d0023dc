import type { Metadata, Targets } from '@tufjs/models';
import type { ListedObject } from '../../../bucket/bucket.ts';
import { metadataPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { jsonObject } from '../../../shared/json.ts';
import { unreadableRole } from '../../../trust/metadata/unreadable-role.ts';
import { inspectMetadata } from '../../../trust/workflow/inspect.ts';
import { verifies } from '../../metadata/delegation.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { readFile } from '../../repository/stored-files.ts';

/** sha256 of each tarball that a release names now, as verified metadata says. */
export function namedNow({ roles }: VerifiedMetadata): Set<string> {
  return new Set([...roles.values()].flatMap((document) => [...namesIn(document)]));
}

/**
 * The sha256 of each tarball that a release named at any time since `since`, in ms since 1970. A
 * file of a role was in use until the next version of the role replaced it. Therefore the newest
 * file of each role from before `since` counts, too. A file that can be read and is not signed only
 * adds tarballs to keep. Throws METADATA_INVALID for a file that cannot be read, unless the keys of
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
      if (lastModified < since && before !== undefined) break;
      replaced = before ?? version - 1;
    }
  }
  return named;
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
    const [, version, role = ''] = /^([1-9]\d{0,9})\.(targets|env-.+)\.json$/.exec(file) ?? [];
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
    inspectMetadata(stored.bytes, file, repository.treeId);
    return parsed(stored.bytes, role, targets);
  } catch (cause) {
    const { bucket, tree } = repository;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(
      `s3://${bucket.name}/${metadataPrefix(tree)}${file} does not say which tarballs it names: ${why}`,
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
  role: string,
  targets: VerifiedMetadata['targets'],
): Metadata<Targets> {
  try {
    return parseSignedFile(bytes, 'targets');
  } catch (error) {
    const unreadable = targets && unreadableRole(bytes, role, targets);
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
