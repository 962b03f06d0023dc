import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { isHeard } from '../../metadata/heard-releases.ts';
import { claimedVersions, highestOf } from '../../metadata/highest-version.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { olderFiles } from '../../repository/older-files.ts';
import type { Repository } from '../../repository/repository.ts';

/** Limit of the environments whose labels are kept: a thief can invent thousands in a class. */
const MAX_NAMES = 1000;

/**
 * Returns the highest version label of each environment of a role. A revocation must sign them: the
 * older files then have no valid signature any more, and the label of one release could be given to
 * another. When there are too many environments, those of older files stay.
 */
export async function keptLabels(
  repository: Repository,
  verified: VerifiedMetadata,
  role: string,
): Promise<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>();
  for await (const document of filesOf(repository, verified, role)) {
    for (const [environment, label] of labelsIn(document)) {
      if (!isHeard(verified, role, `${environment}/current`)) continue;
      const highest = highestOf([labels.get(environment), label]);
      if (highest === undefined) continue;
      labels.delete(environment); // the order is that of the oldest files
      labels.set(environment, highest);
    }
  }
  return new Map([...labels].slice(-MAX_NAMES));
}

function labelsIn({ signed }: Metadata<Targets>): [environment: string, label: unknown][] {
  const content = signed.toJSON() as JsonObject;
  const released = Object.entries(jsonObject(content['targets'])).map(
    ([path, target]): [string, unknown] => [
      path.split('/')[0] ?? '',
      jsonObject(jsonObject(target)['custom'])['version'],
    ],
  );
  return [...claimedVersions(content), ...released];
}

async function* filesOf(
  repository: Repository,
  verified: VerifiedMetadata,
  role: string,
): AsyncGenerator<Metadata<Targets>> {
  const newest = verified.roles.get(role);
  if (newest !== undefined) yield newest;
  try {
    yield* olderFiles(repository, verified, role);
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')) throw error;
  }
}
