import type { Metadata, Targets } from '@tufjs/models';
import { printable } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import { jsonObject } from '../../../shared/json.ts';
import { roleFile, roleWord } from '../../../trust/metadata/role-names.ts';
import { listedKeys, type RoleEntry, roleEntries } from '../../metadata/role-keys.ts';
import { type LostFile, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';

/*
 * Who writes to the bucket can delete a file that the snapshot names, and a thief of an online key
 * can name a file that never existed. Both look alike. After the first, a commit would take hosts
 * back to older releases, and to keys that were revoked. So mm says what it found in place of each
 * file, and a person who names the file decides.
 */

/** Releases or roles of one line. */
const MAX_SHOWN = 5;

/**
 * What a commit on these documents could lose.
 *
 * @param missing by role: the file that the snapshot names, or does not list
 * @param isUnknown no snapshot says which versions are the newest
 */
export function lostFiles(
  verified: VerifiedMetadata,
  missing: ReadonlyMap<string, string>,
  isUnknown: boolean,
): LostFile[] {
  const lost = [...missing].map(([role, file]) => {
    const name = printable(file, 200);
    const found = `mm would go on with ${foundOf(verified, role)}`;
    const text =
      file === roleFile(role)
        ? `the snapshot does not list ${name}; ${found}; if that is not yours, first remove ${versionOf(verified, role)}.${name} from the bucket`
        : `the snapshot names ${name}, and the bucket does not have it as it was signed; ${found}`;
    return { file, text };
  });
  if (!isUnknown) return lost;
  const roles = ['targets', ...environmentRoles(verified).map(({ role }) => role)];
  const found = roles.map((role) => foundOf(verified, role)).join(', and with ');
  const text = `nothing in the bucket says which versions are the newest; mm would go on with ${found}`;
  return [...lost, { file: 'timestamp.json', text }];
}

/** `stable version 2: stable/current 0.1.0 (sha256 0123456789ab)`. */
function foundOf(verified: VerifiedMetadata, role: string): string {
  const word = roleWord(role);
  if (role === 'targets') {
    const { version } = verified.targets?.signed ?? {};
    return `targets version ${version}, by which ${keysOf(verified)}`;
  }
  const document = verified.roles.get(role);
  if (document === undefined) return `no file of ${word}`;
  const { version } = document.signed;
  return `${word} version ${version}: ${releasesOf(document)}`;
}

function releasesOf({ signed }: Metadata<Targets>): string {
  const releases = Object.entries(signed.targets).flatMap(([path, target]) => {
    const { version } = jsonObject(target.custom);
    if (typeof version !== 'string') return [];
    const sha256 = printable(String(target.hashes['sha256']).slice(0, 12), 12);
    return [`${printable(path, 64)} ${printable(version, 64)} (sha256 ${sha256})`];
  });
  return shown(releases, 'release') || 'no release';
}

/** Keys that were removed since then count again. */
function keysOf(verified: VerifiedMetadata): string {
  const names = new Map(
    listedKeys(verified).map(({ keyId, name }) => [keyId, printable(name, 64)]),
  );
  const roles = environmentRoles(verified).map(({ role, keyIds }) => {
    const keys = keyIds.map((keyId) => names.get(keyId) || keyId.slice(0, 12));
    return `${keys.join(', ')} may sign ${roleWord(role)}`;
  });
  return shown(roles, 'role') || 'nobody may sign an environment';
}

function environmentRoles(verified: VerifiedMetadata): RoleEntry[] {
  return roleEntries(verified).filter(({ covers }) => covers.length > 0);
}

function shown(texts: readonly string[], what: string): string {
  const more = texts.length - MAX_SHOWN;
  const first = texts.slice(0, MAX_SHOWN);
  return [...first, ...(more > 0 ? [`and ${counted(more, `more ${what}`)}`] : [])].join(', ');
}
