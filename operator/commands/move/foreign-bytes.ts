import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { isOwn, listedKeys, signersAmong } from '../../metadata/role-keys.ts';
import { notOnRef } from '../../release/source/ref-warnings.ts';
import { roleHistory } from '../../repository/past-states.ts';
import { compareRelease, HONEST_CAUSES } from '../compare-release.ts';
import type { Doubt } from '../confirm.ts';
import { isMadeBy } from '../key/vouched-release.ts';
import type { Seen } from './move.ts';

/*
 * A promotion signs what somebody else may have published: CI, whose key only counts for testing.
 * The holder of that key chose the bytes, also when a key of this machine signed them again for a
 * hold or a renewal. So the person sees who signed them, and a release that no key of this machine
 * published is packed again from its commit. What was not compared is a doubt.
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
  given: Given,
  { rebuild = true }: RebuildOptions,
): Promise<Remarks> {
  const { sha256, custom } = given.release;
  const names = signersOf(seen, given.role).map(nameOf);
  const lines = [
    `sha256 ${sha256}`,
    `commit ${printable(custom.commit ?? 'none', 64)}, published by ${printable(custom.by, 200)}`,
    `signed by ${printable(names.join(' and '), 500)}`,
  ];
  if (await isMadeHere(seen, given)) return { lines, doubts: [] };
  if (!rebuild) return { lines: [...lines, `${UNCOMPARED}: --no-rebuild`], doubts: [] };
  const { line, problems } = await compared(seen, given);
  const doubts = problems.map((text) => ({ text, option: '--no-rebuild', isAgreed: false }));
  return { lines: [...lines, line], doubts };
}

const UNCOMPARED = 'not compared with a commit in this clone';

interface Given {
  readonly environment: string;
  readonly role: string;
  readonly release: OfferedRelease;
}

async function isMadeHere(
  { repository, verified }: Seen,
  { environment, role, release: { sha256 } }: Given,
): Promise<boolean> {
  const history = roleHistory(repository, verified, role);
  const named = { environment, slot: 'current', sha256 };
  return await isMadeBy(history, named, (document) => isOwn(document, repository.keyring));
}

/** No problem: the same bytes, from a commit of the ref that the environment follows. */
async function compared(
  { context, tree }: Seen,
  { environment, release }: Given,
): Promise<{ readonly line: string; readonly problems: readonly string[] }> {
  const { config } = tree;
  const not = (why: string) => {
    const line = `${UNCOMPARED}: ${printable(why, 500)}`;
    return { line, problems: [line] };
  };
  try {
    const found = await compareRelease(context, config, { ...release, environment });
    if (found.kind === 'impossible') return not(found.why);
    const { origin, commit } = found;
    if (found.kind === 'different') {
      const { what, found: here, wanted } = found;
      const line = `${origin} packs to ${what} ${here} in ${config.repository}, and the release has ${wanted}`;
      return { line, problems: [`${line}; ${HONEST_CAUSES}`] };
    }
    const line = `rebuilt from ${origin} in this clone: the same sha256`;
    const place = { directory: config.repository, env: context.env };
    const followed = config.refs.get(environment) ?? found.ref;
    return { line, problems: await notOnRef({ place, commit }, followed) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return not(error.next === undefined ? error.message : `${error.message}; ${error.next}`);
  }
}

/** The keys of the role whose signatures over it are valid. */
function signersOf({ verified }: Seen, role: string) {
  const document = verified.roles.get(role);
  const allowed = verified.targets?.signed.delegations?.roles?.[role]?.keyIDs ?? [];
  const keys = listedKeys(verified).filter(({ keyId }) => allowed.includes(keyId));
  return document === undefined ? [] : signersAmong(document, keys);
}

function nameOf({ keyId, name }: { readonly keyId: string; readonly name: string }): string {
  return `${name} ${keyId.slice(0, 12)}`.trim();
}
