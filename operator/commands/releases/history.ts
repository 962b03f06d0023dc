import type { ReleasesAnswer } from '../../answers.ts';
import { delegatedOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import { pastStates, roleHistory } from '../../repository/past-states.ts';
import type { Repository } from '../../repository/repository.ts';
import { releaseAnswer } from './answer.ts';

type History = ReleasesAnswer['environments'][number]['history'];

/** Earlier releases of an environment, newest first. */
export async function readHistory(
  repository: Repository,
  wanted: {
    readonly verified: VerifiedMetadata;
    readonly environment: string;
    readonly limit: number;
  },
): Promise<History> {
  const { verified, environment, limit } = wanted;
  const history: History = [];
  const { role, current: present } = delegatedOffer(verified, environment);
  let newer = present?.custom.release;
  if (limit === 0) return history;
  const files = roleHistory(repository, verified, role);
  for await (const { current, roleVersion } of pastStates(files, environment)) {
    if (current.custom.release === newer) continue;
    history.push({ roleVersion, release: releaseAnswer(current) });
    newer = current.custom.release;
    if (history.length >= limit) break;
  }
  return history;
}
