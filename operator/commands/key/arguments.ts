import { access, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import { KeyName, readPublicKey } from '../../keys/public/public-key-file.ts';
import { readSigningKey } from '../../keys/signing-key.ts';
import { listedKeys, type NamedKey, type RoleEntry } from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { keysDirectory } from '../../open-tree.ts';

/** A key, given as the file of its public part or as the name of a key on this machine. */
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
  const path = resolve(context.cwd, given);
  const hint = didYouMean(given, await keyNames(keysDirectory(context, config, options)));
  const { keyid, name, public: publicKey } = await readPublicKey(path, config.id, hint);
  return { keyId: keyid, name, publicKey };
}

/** Names of the keys on this machine, for a message about another name. */
export async function keyNames(directory: string): Promise<string[]> {
  const files = await readdir(directory).catch(() => []);
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The key id of a key that some role has: given as its name in the metadata, or as the beginning of
 * its id. Throws USAGE when no key matches, or more than one.
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
  const hint =
    key === undefined
      ? didYouMean(
          given,
          keys.map(({ name }) => name),
        )
      : '';
  throw new CodedError(`${what} ${JSON.stringify(given)}${hint || ';'} there are ${known}`, {
    code: 'USAGE',
    next: 'mm key list, then name it by its id',
  });
}

/** Whether the key is in a role. */
export function hasKey({ keyIds }: RoleEntry, keyId: string): boolean {
  return keyIds.includes(keyId);
}
