import { createHash } from 'node:crypto';
import type { Metadata, Targets } from '@tufjs/models';
import { blobKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { readOffer } from '../../../trust/metadata/offer.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import { inspectMetadata } from '../../../trust/workflow/inspect.ts';
import { verifies } from '../../metadata/delegation.ts';
import { parseSignedFile } from '../../metadata/signed-file.ts';
import { type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { isMissing, listFiles, readFile } from '../../repository/stored-files.ts';
import { describeTarget, withoutSignatures } from './doubtful-releases.ts';

/**
 * Bound on requests: a role that is published or renewed once a day gets that many in three years.
 */
const MAX_FILES = 1000;

export interface WantedRelease {
  readonly role: string;
  readonly environment: string;
  /** A version label, the id of a publication, or the sha256 of the tarball. */
  readonly given: string;
  /** Ids of the keys that are being removed. */
  readonly removed: readonly string[];
}

interface Candidate {
  readonly target: JsonObject;
  readonly sha256: string;
  readonly length: number;
  /** Whether it counts without the keys that are being removed. */
  readonly isVouchedFor: boolean;
}

/**
 * The target of an earlier release of the environment, as an older file of its role has it. The
 * holder of a removed key may have written such files as well: one that other keys signed is
 * preferred, and a label that two tarballs have is refused. Throws USAGE, and RELEASE_INVALID when
 * the tarball is missing or is not the one that was signed.
 */
export async function earlierRelease(
  repository: Repository,
  verified: VerifiedMetadata,
  wanted: WantedRelease,
): Promise<JsonObject> {
  const { environment, given } = wanted;
  const all = await candidates(repository, verified, wanted);
  const vouchedFor = all.filter(({ isVouchedFor }) => isVouchedFor);
  const found = vouchedFor.length > 0 ? vouchedFor : all;
  const [release] = found;
  if (release === undefined) {
    throw new CodedError(
      `no earlier file of environment ${environment} has a release ${JSON.stringify(given)} that its keys signed`,
      { code: 'USAGE', next: `mm releases ${environment}, then name one by version or sha256` },
    );
  }
  if (new Set(found.map(({ sha256 }) => sha256)).size > 1) {
    const lines = found.map(({ target }) => describeTarget(target)).join('; ');
    throw new CodedError(
      `environment ${environment} has had more than one release ${JSON.stringify(given)}: ${lines}`,
      { code: 'USAGE', next: `name the right one by its sha256: --back-to ${environment}=SHA256` },
    );
  }
  await requireBlob(repository, release);
  return release.target;
}

/** Newest first. */
async function candidates(
  repository: Repository,
  verified: VerifiedMetadata,
  { role, environment, given, removed }: WantedRelease,
): Promise<Candidate[]> {
  const { targets } = verified;
  const current = versionOf(verified, role);
  const versions = (await listFiles(repository))
    .map((file) => /^(\d{1,10})\.(.+)\.json$/.exec(file) ?? [])
    .filter(([, version, name]) => name === role && Number(version) < current)
    .map(([, version]) => Number(version))
    .sort((a, b) => b - a);
  const found: Candidate[] = [];
  for (const version of versions.slice(0, MAX_FILES)) {
    const document = await readRole(repository, `${version}.${role}.json`);
    if (document === undefined || targets === undefined) continue;
    if (!verifies(targets, role, document)) continue;
    const path = releaseTarget(environment, 'current');
    const release = readRelease(document, role, path);
    if (release === undefined) continue;
    const { sha256, length, custom } = release;
    if (![sha256, custom.version, custom.release].includes(given)) continue;
    const target = jsonObject(jsonObject(document.signed.toJSON()['targets'])[path]);
    const isVouchedFor = verifies(targets, role, withoutSignatures(document, removed));
    found.push({ target, sha256, length, isVouchedFor });
  }
  return found;
}

/**
 * Undefined for what is not metadata of this tree: who can write to the bucket can put anything
 * there.
 */
async function readRole(
  repository: Repository,
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

function readRelease(document: Metadata<Targets>, role: string, path: string) {
  try {
    return readOffer(role, { current: document.signed.targets[path], next: undefined }).current;
  } catch {
    return undefined; // a target that no host would accept
  }
}

/** Hosts would take nothing from the environment any more without these very bytes. */
async function requireBlob(
  { bucket, tree }: Repository,
  { sha256, length, target }: Candidate,
): Promise<void> {
  const key = blobKey(tree, sha256);
  const bytesAndHash = await hashOf(bucket, key, length);
  if (bytesAndHash?.length === length && bytesAndHash.sha256 === sha256) return;
  const what = bytesAndHash === undefined ? 'is missing' : 'is not the one that was signed';
  throw new CodedError(
    `the tarball of ${describeTarget(target)} ${what}: s3://${bucket.name}/${key}`,
    {
      code: 'RELEASE_INVALID',
      next: 'bring its object version back, or name another release with --back-to',
    },
  );
}

async function hashOf(
  bucket: Repository['bucket'],
  key: string,
  max: number,
): Promise<{ readonly sha256: string; readonly length: number } | undefined> {
  try {
    const { body } = await bucket.open(key);
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > max) break; // leaving the loop destroys the body
      hash.update(chunk);
    }
    return { sha256: hash.digest('hex'), length };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
