import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import type { PassphraseSource } from './file/passphrase.ts';
import type { Signer } from './public/signer.ts';
import { openSigner, readSigningKey, type SigningKeyFile } from './signing-key.ts';

/** The keys that may sign for a role, and how many of them must. */
export interface RoleKeys {
  readonly name: string;
  readonly keyIds: readonly string[];
  readonly threshold: number;
}

/** The signing keys that this command can use. */
export interface Keyring {
  /** Where the keys are, for messages. */
  readonly place: string;
  readonly signers: readonly Signer[];
}

/**
 * Opens every key file of the directory. A missing directory counts as empty. `env` is the
 * environment of mm: ssh-agent, KMS and signing commands read it. Throws KEY_INVALID for a broken
 * file.
 */
export async function openKeyring(
  directory: string,
  passphrase: PassphraseSource,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Keyring> {
  const files = await readSigningKeys(directory);
  return {
    place: directory,
    signers: files.map((file) => openSigner(file, { passphrase, env })),
  };
}

/** The key files of a directory, sorted by name. Throws KEY_INVALID for a broken one. */
export async function readSigningKeys(directory: string): Promise<SigningKeyFile[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const { why, next } = fileProblem(directory, cause);
    const message = `cannot read the directory of the signing keys: ${why}`;
    throw new CodedError(message, { code: 'KEY_MISSING', cause, next });
  }
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(files.map((name) => readSigningKey(join(directory, name))));
}

/** Keys without a passphrase come first, so that mm asks for a passphrase only when it must. */
const UNLOCKING = ['none', 'passphrase', 'impossible'] as const satisfies Signer['unlocking'][];

/**
 * Selects as many signers as the threshold of the role. Throws KEY_MISSING when the keyring has
 * fewer.
 */
export function signersFor(keyring: Keyring, role: RoleKeys): readonly Signer[] {
  const held = role.keyIds
    .flatMap((keyId) => keyring.signers.find((signer) => signer.keyId === keyId) ?? [])
    .sort((a, b) => effort(a) - effort(b));
  if (held.length >= role.threshold) return held.slice(0, role.threshold);
  const wanted = role.keyIds.map((keyId) => keyId.slice(0, 12)).join(', ');
  throw new CodedError(
    `${roleWord(role.name)} needs ${role.threshold} of the keys ${wanted}; ${keyring.place} has ${held.length} of them`,
    {
      code: 'KEY_MISSING',
      next: 'mm key list shows who has which key; run this on the machine that has them, or give their directory with --keys DIR',
      details: { role: role.name, threshold: role.threshold, held: held.length },
    },
  );
}

/** Whether the keyring has enough keys for the role that can be unlocked. */
export function canSign({ signers }: Keyring, { keyIds, threshold }: RoleKeys): boolean {
  const usable = signers.filter(({ unlocking }) => unlocking !== 'impossible');
  return keyIds.filter((id) => usable.some(({ keyId }) => keyId === id)).length >= threshold;
}

function effort({ unlocking = 'none' }: Signer): number {
  return UNLOCKING.indexOf(unlocking);
}
