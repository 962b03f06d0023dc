import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { isSignedBy } from '../../keys/public/public-key.ts';
import { listedKeys, type NamedKey } from '../../metadata/role-keys.ts';
import { messageOf } from '../../metadata/signed-file.ts';
import { compareRelease, HONEST_CAUSES } from '../compare-release.ts';
import type { Doubt } from '../confirm.ts';
import type { Seen } from './move.ts';

/*
 * A promotion signs what somebody else may have published: CI, whose key only counts for testing.
 * The holder of that key chose the bytes. So the person sees who signed them, and a release that no
 * key of this machine signed is packed again from its commit.
 */

export interface RebuildOptions {
  /** False with `--no-rebuild`. */
  readonly rebuild?: boolean | undefined;
}

/** What a person must know of the release of another environment. */
export interface Remarks {
  readonly lines: readonly string[];
  readonly doubts: readonly Doubt[];
}

/** Remarks about the release that a role lists for `environment`, and whose hosts run it now. */
export async function remarksOn(
  seen: Seen,
  given: { readonly environment: string; readonly role: string; readonly release: OfferedRelease },
  { rebuild = true }: RebuildOptions,
): Promise<Remarks> {
  const { sha256, custom } = given.release;
  const signers = signersOf(seen, given.role);
  const names = signers.map(({ keyId, name }) => `${name} ${keyId.slice(0, 12)}`.trim());
  const lines = [
    `sha256 ${sha256}`,
    `commit ${printable(custom.commit ?? 'none', 64)}, published by ${printable(custom.by, 200)}`,
    `signed by ${printable(names.join(' and '), 500)}`,
  ];
  const own = seen.repository.keyring.signers.map(({ keyId }) => keyId);
  if (signers.some(({ keyId }) => own.includes(keyId))) return { lines, doubts: [] };
  if (!rebuild) {
    return { lines: [...lines, `${UNCOMPARED}: --no-rebuild`], doubts: [] };
  }
  const { line, doubts } = await compared(seen, given);
  return { lines: [...lines, line], doubts };
}

const UNCOMPARED = 'not compared with a commit in this clone';

/** Nothing here refuses for itself: a job may have a clone without history, or none. */
async function compared(
  { context, tree }: Seen,
  { environment, release }: { readonly environment: string; readonly release: OfferedRelease },
): Promise<{ readonly line: string; readonly doubts: readonly Doubt[] }> {
  try {
    const found = await compareRelease(context, tree.config, { ...release, environment });
    if (found.kind === 'impossible') return { line: `${UNCOMPARED}: ${found.why}`, doubts: [] };
    const { origin } = found;
    if (found.kind === 'same') {
      return { line: `rebuilt from ${origin} in this clone: the same sha256`, doubts: [] };
    }
    const line = `${origin} packs to sha256 ${found.found} in ${tree.config.repository}, and not to that of the release`;
    const text = `${line}; ${HONEST_CAUSES}`;
    return { line, doubts: [{ text, option: '--no-rebuild', isAgreed: false }] };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { line: `${UNCOMPARED}: ${printable(error.message, 500)}`, doubts: [] };
  }
}

/** The keys whose signatures over the role are valid. Anyone can add others to a file. */
function signersOf({ verified }: Seen, role: string): NamedKey[] {
  const document = verified.roles.get(role);
  if (document === undefined) return [];
  const allowed = verified.targets?.signed.delegations?.roles?.[role]?.keyIDs ?? [];
  const message = messageOf({ signed: { ...(document.signed.toJSON() as JsonObject) } });
  return listedKeys(verified).filter(({ keyId, publicKey }) => {
    const { sig } = jsonObject(document.signatures[keyId]?.toJSON());
    const isThere = typeof sig === 'string' && allowed.includes(keyId);
    return isThere && isSignedBy(publicKey, message, Buffer.from(sig, 'hex'));
  });
}
