import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { jsonObject, parseJson } from '../../shared/json.ts';
import { readKept } from '../../trust/kept/trust-directory.ts';
import { roleFile, roleOfFile } from '../../trust/metadata/role-names.ts';
import type { MetadataSource } from '../../trust/metadata/source.ts';
import { metadataSource } from './metadata-source.ts';
import type { RepositoryOptions } from './repository.ts';
import { isMissing, putMetadata, readFile, type TreePlace } from './stored-files.ts';

/*
 * Anyone who writes to the bucket can delete or exchange what hosts need. A publisher does not
 * notice that when it reads the bucket: it has kept what it verified, and asks for no file twice.
 * So it reads the bucket as a new host after a commit, and when it renewed nothing. Files of
 * metadata are never deleted on purpose, so the verified bytes are uploaded again.
 */

/**
 * The files of the bucket. One that is missing is uploaded, when this machine has verified it.
 *
 * @param written what is newer than the kept files; versions that begin again can have their names
 */
export function restoring(
  options: RepositoryOptions,
  written: readonly { readonly file: string }[] = [],
): MetadataSource {
  const names = new Set(written.map(({ file }) => file));
  const source = metadataSource(options);
  const { files: kept } = readKept(options.stateDirectory);
  return {
    async get(file, request) {
      const bytes = names.has(file) ? undefined : keptAs(file, kept);
      if (bytes === undefined) return await source.get(file, request);
      const found = await source.get(file, request).catch(undefinedIfUnusable);
      if (found?.kind === 'object' && found.bytes.equals(bytes)) return found;
      await restore(options, { file, bytes });
      return found ?? (await source.get(file, request));
    },
  };
}

function undefinedIfUnusable(error: unknown): undefined {
  if (isMissing(error) || (error instanceof CodedError && error.code === 'S3_TOO_LARGE')) return;
  throw error;
}

/** Uploads the file when it is missing. Throws METADATA_INVALID when other bytes have its name. */
async function restore(
  place: TreePlace & Pick<RepositoryOptions, 'notice'>,
  { file, bytes }: { readonly file: string; readonly bytes: Buffer },
): Promise<void> {
  const found = await readFile(place, file);
  // A root with one more signature is the same root: whether it counts is decided elsewhere.
  if (found?.bytes.equals(bytes) === true || (found && file.endsWith('.root.json'))) return;
  if (found !== undefined) throw otherBytes(place, file);
  if ((await putMetadata(place, { file, bytes })) === 'taken') throw otherBytes(place, file);
  place.notice?.(`${file} was missing in the bucket: uploaded again, as this machine verified it`);
}

/** The same for the files of roles, without those that a change signs again. */
export async function restoreRoles(
  place: TreePlace & Pick<RepositoryOptions, 'notice'>,
  files: ReadonlyMap<string, Buffer>,
  { roles }: { readonly roles: ReadonlyMap<string, unknown> },
): Promise<void> {
  for (const [role, bytes] of files) {
    if (roles.has(role)) continue;
    await restore(place, { file: `${String(versionIn(bytes))}.${role}.json`, bytes });
  }
}

/** The kept bytes that are the file of that name. */
function keptAs(file: string, kept: ReadonlyMap<string, Buffer>): Buffer | undefined {
  if (file.endsWith('.root.json')) return kept.get(file);
  const [, version] = /^(\d+)\./.exec(file) ?? [];
  const bytes = version === undefined ? undefined : kept.get(roleFile(roleOfFile(file) ?? ''));
  return bytes !== undefined && versionIn(bytes) === Number(version) ? bytes : undefined;
}

function versionIn(bytes: Buffer): unknown {
  return jsonObject(jsonObject(parseJson(bytes))['signed'])['version'];
}

function otherBytes({ bucket, tree }: TreePlace, file: string): CodedError {
  const url = `s3://${bucket.name}/${metadataKey(tree, file)}`;
  return new CodedError(`${url} has other bytes than the ones that this machine verified`, {
    code: 'METADATA_INVALID',
    next: `find out who wrote it, then: ${bucket.awsCommand(`s3 rm ${url}`)}; then mm renew, which uploads the verified file again`,
    details: { url },
  });
}
