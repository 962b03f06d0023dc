import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EnvironmentName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import { KeyName, readPublicKey } from '../../keys/public-key-file.ts';
import { readSigningKey } from '../../keys/signing-key.ts';
import {
  listedKeys,
  type NamedKey,
  type RoleEntry,
  roleEntries,
} from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { keysDirectory } from '../../open-tree.ts';

/** A key that is named by the file of its public part, or by its name among the keys at hand. */
export async function namedKey(
  context: Context,
  config: TreeConfig,
  { given, options }: { readonly given: string; readonly options: SigningOptions },
): Promise<NamedKey> {
  const own = KeyName.safeParse(given).success
    ? join(keysDirectory(context, config, options), `${given}.json`)
    : undefined;
  if (own !== undefined && (await isThere(own))) {
    const { name, document } = await readSigningKey(own);
    return { keyId: document.keyid, name, publicKey: document.public };
  }
  const {
    keyid,
    name,
    public: publicKey,
  } = await readPublicKey(resolve(context.cwd, given), config.id);
  return { keyId: keyid, name, publicKey };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The key id of a key that some role has: by its name in the metadata, or by the beginning of the
 * id. Throws USAGE when it is none of them, or not clear which.
 */
export function findKeyId(verified: VerifiedMetadata, given: string): string {
  const keys = listedKeys(verified);
  const isIdPart = /^[0-9a-f]{6,64}$/.test(given);
  const found = keys.filter(
    ({ keyId, name }) => name === given || (isIdPart && keyId.startsWith(given)),
  );
  const [key, ...others] = found;
  if (key !== undefined && others.length === 0) return key.keyId;
  const known = keys.map(({ keyId, name }) => `${keyId.slice(0, 12)} ${name}`.trim()).join(', ');
  const what = key === undefined ? 'no role has a key' : 'more than one key is named';
  throw new CodedError(`${what} ${JSON.stringify(given)}; there are ${known}`, {
    code: 'USAGE',
    next: 'mm key list, then name it by its id',
  });
}

/**
 * The TUF roles that are meant by `root`, `targets`, `online` (snapshot and timestamp, which always
 * have the same keys), or an environment. Throws USAGE.
 */
export function rolesNamed(verified: VerifiedMetadata, given: string): readonly string[] {
  if (given === 'root' || given === 'targets') return [given];
  if (given === 'online') return ['snapshot', 'timestamp'];
  const entries = roleEntries(verified);
  const found = entries.find(({ role }) => role === given || baseName(role) === `env-${given}`);
  const isEnvironment = found?.role.startsWith('env-') === true;
  if (isEnvironment && (EnvironmentName.safeParse(given).success || given === found.role)) {
    return [found.role];
  }
  const known = [...new Set(entries.map(({ role }) => roleWord(role)))].join(', ');
  throw new CodedError(`no role ${JSON.stringify(given)}: there are ${known}`, {
    code: 'USAGE',
    next: 'mm key list',
  });
}

/** A role as the command line names it. An environment may be called as a role of TUF is. */
export function roleWord(role: string): string {
  if (role === 'snapshot' || role === 'timestamp') return 'online';
  const environment = baseName(role).replace(/^env-/, '');
  return ['root', 'targets', 'online'].includes(environment) ? role : environment;
}

/** Without the number that `--recover` adds. */
function baseName(role: string): string {
  return role.replace(/-\d+$/, '');
}

/** Whether the key is in a role. */
export function hasKey({ keyIds }: RoleEntry, keyId: string): boolean {
  return keyIds.includes(keyId);
}
