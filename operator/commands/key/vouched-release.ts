import type { Metadata, Targets } from '@tufjs/models';
import { jsonObject } from '../../../shared/json.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import { CHOOSING, MAKING } from '../../metadata/release-change.ts';
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
  history: RoleHistory,
  release: Named,
  isGood: (document: Metadata<Targets>) => boolean,
): Promise<boolean> {
  let first: Metadata<Targets> | undefined;
  for await (const before of filesOf(history)) {
    const isOffered = isOfferedIn(before, release);
    if (first !== undefined) {
      if (isGood(first) && isChosenIn(first, release)) return true;
      if (!isOffered) {
        const isReplaced = before.signed.version === first.signed.version - 1;
        return isReplaced && isGood(first) && isGood(before);
      }
    }
    if (isOffered) first = before;
  }
  if (first === undefined) return false;
  return isGood(first) && (first.signed.version === 1 || isChosenIn(first, release));
}

async function* filesOf({ newest, older }: RoleHistory): AsyncGenerator<Metadata<Targets>> {
  if (newest === undefined) return;
  yield newest;
  yield* older;
}

/**
 * Whether a good signer brought these bytes to the environment. Choosing them is not enough: `mm
 * rollback` goes back to what others published.
 */
export async function isMadeBy(
  history: RoleHistory,
  release: Named,
  isGood: (document: Metadata<Targets>) => boolean,
): Promise<boolean> {
  for await (const document of filesOf(history)) {
    if (!isOfferedIn(document, release)) return false;
    if (isChosenIn(document, release, MAKING) && isGood(document)) return true;
  }
  return false;
}

function isOfferedIn({ signed }: Metadata<Targets>, release: Named): boolean {
  const { environment, slot, sha256 } = release;
  return ['current', 'next', slot].some(
    (each) => signed.targets[`${environment}/${each}`]?.hashes['sha256'] === sha256,
  );
}

/** A later signature of the same content has the statement of the earlier one. */
function isChosenIn(
  { signed }: Metadata<Targets>,
  { environment, sha256 }: Named,
  commands = CHOOSING,
): boolean {
  const current = signed.targets[releaseTarget(environment, 'current')];
  const { action, after } = jsonObject(current?.custom['change']);
  const isMadeHere = after === signed.version - 1;
  return current?.hashes['sha256'] === sha256 && isMadeHere && commands.has(action);
}
