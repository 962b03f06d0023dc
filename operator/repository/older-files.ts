import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { isBinariesRole } from '../../trust/metadata/role-names.ts';
import { inspectMetadata } from '../../trust/workflow/inspect.ts';
import { verifies } from '../metadata/delegation.ts';
import { rolesWithoutFile } from '../metadata/heard-releases.ts';
import { parseSignedFile } from '../metadata/signed-file.ts';
import { type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import { STOLEN } from './explained.ts';
import type { Repository, RepositoryOptions } from './repository.ts';
import { listFiles, readFile } from './stored-files.ts';

/**
 * Limit of requests: a role that is published or renewed once a day has that many files after 3
 * years.
 */
const MAX_FILES = 1000;

/**
 * The files of a role with a lower version than the present one, newest first, as far as the
 * present keys signed them. Anyone who can write to the bucket can put any file there: `onForeign`
 * gets the names of the others. Throws S3_ACCESS_DENIED without permission to list.
 */
export async function* olderFiles(
  repository: Omit<Repository, 'read'>,
  verified: Pick<VerifiedMetadata, 'targets' | 'roles' | 'distrusted' | 'snapshot'>,
  role: string,
  onForeign?: (file: string) => void,
): AsyncGenerator<Metadata<Targets>> {
  const { targets } = verified;
  if (targets === undefined) return;
  // Without a present one all of them are older: a recovery has found none that counts.
  const present = versionOf(verified, role) || Number.POSITIVE_INFINITY;
  if (present <= 1) return;
  const versions = (await listFiles(repository))
    .map((file) => /^([1-9]\d{0,9})\.(.+)\.json$/.exec(file) ?? [])
    .filter(([, version, name]) => name === role && Number(version) < present)
    .map(([, version]) => Number(version))
    .sort((a, b) => b - a);
  for (const version of versions.slice(0, MAX_FILES)) {
    const file = `${version}.${role}.json`;
    const document = await readRole(repository, file);
    const isOwn = document?.signed.version === version && isOfRole(targets, role, document);
    if (isOwn && verifies(targets, role, document)) yield document;
    else onForeign?.(file);
  }
}

/**
 * A file of an older mm does not contain the name of its role. Who writes to the bucket can give it
 * the file of another role with the same keys, whose signatures verify. Only a first file is empty,
 * and one of binaries when all of them were removed.
 */
function isOfRole(targets: Metadata<Targets>, role: string, { signed }: Metadata<Targets>) {
  const paths = Object.keys(signed.targets);
  if (paths.length === 0) return signed.version === 1 || isBinariesRole(role);
  return paths.some((path) => {
    const [found] = targets.signed.delegations?.rolesForTarget(path) ?? [];
    return found?.role === role;
  });
}

/** Undefined for content that is not metadata of this tree. */
async function readRole(
  repository: Omit<Repository, 'read'>,
  file: string,
): Promise<Metadata<Targets> | undefined> {
  const stored = await readFile(repository, file);
  if (stored === undefined) return undefined;
  try {
    inspectMetadata(stored.bytes, file, repository.treeId);
    return parseSignedFile(stored.bytes, 'targets');
  } catch {
    return undefined;
  }
}

/**
 * A recovery that found no file of a role leaves it out of the snapshot, and its next publication
 * is the first one. A thief of an online key can leave out a role whose files are there: a
 * publisher who has not seen them before must not build on that. Throws METADATA_MISSING.
 */
export async function requireNoFiles(
  options: RepositoryOptions,
  { targets, roles }: Pick<VerifiedMetadata, 'targets' | 'roles'>,
): Promise<void> {
  for (const role of rolesWithoutFile({ targets, roles })) {
    const found = await newestFile(options, { targets, roles }, role);
    if (found === undefined) continue;
    throw new CodedError(
      `the snapshot does not list ${role}.json, and ${found} is signed by its keys: mm signs nothing on top of that`,
      {
        code: 'METADATA_MISSING',
        next: STOLEN,
        details: { role, file: found },
      },
    );
  }
}

async function newestFile(
  options: RepositoryOptions,
  { targets, roles }: Pick<VerifiedMetadata, 'targets' | 'roles'>,
  role: string,
): Promise<string | undefined> {
  try {
    const seen = { targets, roles, snapshot: undefined };
    for await (const { signed } of olderFiles(options, seen, role)) {
      return `${signed.version}.${role}.json`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_ACCESS_DENIED') return undefined;
    throw error;
  }
}
