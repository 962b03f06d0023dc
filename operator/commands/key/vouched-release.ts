import type { Metadata, Targets } from '@tufjs/models';
import { jsonObject } from '../../../shared/json.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import { CHOOSING } from '../../metadata/release-change.ts';
import type { RoleHistory } from '../../repository/past-states.ts';

export interface Named {
  /** Of binaries it is the part of the path before the last slash. */
  readonly environment: string;
  readonly slot: string;
  readonly sha256: string;
}

/**
 * Whether the history of a role shows that one of the good signers chose this release. A signature
 * alone does not show it: `mm hold`, `mm renew`, or a publication in another environment of the
 * class signs again what a thief published before. A file that is not good proves nothing, not even
 * that something was different before: a thief of the bucket can replace or remove it.
 */
export async function isVouchedFor(
  { newest, older }: RoleHistory,
  release: Named,
  isGood: (document: Metadata<Targets>) => boolean,
): Promise<boolean> {
  if (newest === undefined) return false;
  let first = newest;
  for await (const before of older) {
    if (isGood(first) && isChosenIn(first, release)) return true;
    if (!isOfferedIn(before, release)) {
      const isReplaced = before.signed.version === first.signed.version - 1;
      return isReplaced && isGood(first) && isGood(before);
    }
    first = before;
  }
  return isGood(first) && (first.signed.version === 1 || isChosenIn(first, release));
}

function isOfferedIn({ signed }: Metadata<Targets>, release: Named): boolean {
  const { environment, slot, sha256 } = release;
  return ['current', 'next', slot].some(
    (each) => signed.targets[`${environment}/${each}`]?.hashes['sha256'] === sha256,
  );
}

/** A later signature of the same content has the statement of the earlier one. */
function isChosenIn({ signed }: Metadata<Targets>, { environment, sha256 }: Named): boolean {
  const current = signed.targets[releaseTarget(environment, 'current')];
  const { action, after } = jsonObject(current?.custom['change']);
  const isMadeHere = after === signed.version - 1;
  return current?.hashes['sha256'] === sha256 && isMadeHere && CHOOSING.has(action);
}
