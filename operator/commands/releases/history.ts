import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { metadataPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { readOffer } from '../../../trust/metadata/offer.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import { inspectMetadata } from '../../../trust/workflow/inspect.ts';
import type { ReleasesAnswer } from '../../answers.ts';
import type { Context } from '../../context.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import { offerOf, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { releaseAnswer } from './answer.ts';

type History = ReleasesAnswer['environments'][number]['history'];

const MAX_ROLE_BYTES = 1024 * 1024;
/** Bound on requests: renewals write files that hold the same release as the one before. */
const FILES_PER_RELEASE = 5;

/**
 * Earlier releases of an environment, newest first. They come from older metadata files of its role
 * in the bucket. A file counts only if the current keys signed it. A publication that lost a race
 * may also have left a file, which no host ever used.
 */
export async function readHistory(
  context: Context,
  repository: Repository,
  wanted: {
    readonly verified: VerifiedMetadata;
    readonly environment: string;
    readonly limit: number;
  },
): Promise<History> {
  const { verified, environment, limit } = wanted;
  const { role, current } = offerOf(verified, environment);
  const versions = await listVersions(context, repository, role);
  const older = versions.filter((version) => version < versionOf(verified, role));
  const history: History = [];
  let newer = current?.custom.release;
  for (const version of older.sort((a, b) => b - a).slice(0, limit * FILES_PER_RELEASE)) {
    if (history.length >= limit) break;
    const file = `${version}.${role}.json`;
    const release = await readRelease(repository, verified, { role, file, environment });
    if (release === 'unusable') context.notice(`${file}: not signed by the current keys`);
    else if (release !== undefined && release.custom.release !== newer) {
      history.push({ roleVersion: version, release: releaseAnswer(release) });
      newer = release.custom.release;
    }
  }
  return history;
}

async function listVersions(
  context: Context,
  { bucket, tree }: Repository,
  role: string,
): Promise<number[]> {
  const prefix = metadataPrefix(tree);
  const versions: number[] = [];
  try {
    for await (const { key } of bucket.list(prefix)) {
      const [, version, name] = /^(\d{1,9})\.(.+)\.json$/.exec(key.slice(prefix.length)) ?? [];
      if (name === role) versions.push(Number(version));
    }
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')) throw error;
    context.notice('no history: these credentials may not list the bucket');
  }
  return versions;
}

async function readRelease(
  { bucket, tree, treeId }: Repository,
  { targets }: VerifiedMetadata,
  { role, file, environment }: { role: string; file: string; environment: string },
): Promise<OfferedRelease | undefined | 'unusable'> {
  const answer = await bucket.get(`${metadataPrefix(tree)}${file}`, { maxBytes: MAX_ROLE_BYTES });
  if (answer.kind !== 'object') return undefined;
  try {
    inspectMetadata(answer.bytes, file, treeId);
    const document = parseSignedFile(answer.bytes, 'targets');
    targets?.verifyDelegate(role, document);
    const current = document.signed.targets[releaseTarget(environment, 'current')];
    return readOffer(role, { current, next: undefined }).current;
  } catch {
    return 'unusable'; // nobody whom hosts trust today signed it
  }
}
