import type { Metadata, Root } from '@tufjs/models';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { inspectMetadata } from '../../trust/workflow/inspect.ts';
import { rootFile } from '../../trust/workflow/root-chain.ts';
import { verifies } from '../metadata/delegation.ts';
import { parseSignedFile, type SignedFile } from '../metadata/signed-file.ts';
import type { Repository } from '../repository/repository.ts';
import { isThere, readFile, type TreePlace } from '../repository/stored-files.ts';
import { checked, type Signing } from './sign-role.ts';

/*
 * The versions of roots are consecutive, and the version of a proposal is signed. mm cannot skip
 * these names as it skips others (versions.ts). Anyone who can write to the bucket can occupy them.
 */

/**
 * Checks the name of the next root. Must be called before anything is signed. `followed`: another
 * publisher has made the next root. Throws METADATA_INVALID for an object that the keys of this
 * root have not signed: hosts refuse it, and follow no later root either.
 */
export async function nextRootName(
  repository: Repository,
  root: Metadata<Root>,
): Promise<'free' | 'followed'> {
  const file = rootFile(root.signed.version + 1);
  if (!(await isThere(repository, file))) return 'free';
  const found = await readFile(repository, file);
  if (found !== undefined && isNextRoot(root, found.bytes, repository.treeId)) return 'followed';
  throw inTheWay(repository, file);
}

function isNextRoot(root: Metadata<Root>, bytes: Buffer, treeId: string): boolean {
  try {
    inspectMetadata(bytes, 'root', treeId);
    const next = parseSignedFile(bytes, 'root');
    const isNext = next.signed.version === root.signed.version + 1;
    return isNext && verifies(root, 'root', next) && verifies(next, 'root', next);
  } catch {
    return false;
  }
}

/**
 * Whether the keys of the role signed the file. Anyone who can write to the bucket can put any file
 * there.
 */
export function isGenuine(signing: Signing, role: string, file: SignedFile): boolean {
  try {
    inspectMetadata(file.bytes, file.file, signing.repository.treeId);
    checked(signing, role, file);
    return true;
  } catch {
    return false;
  }
}

/** The error for an object whose name a commit needs, and that no keys have signed. */
export function inTheWay({ bucket, tree }: TreePlace, file: string): CodedError {
  const url = `s3://${bucket.name}/${metadataKey(tree, file)}`;
  return new CodedError(`${url} is in the way: it is not signed by the keys that may sign it`, {
    code: 'METADATA_INVALID',
    next: `find out who wrote it, then: ${bucket.awsCommand(`s3 rm ${url}`)}; then the same command again`,
    details: { file },
  });
}
