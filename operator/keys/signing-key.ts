import { requireOwn } from '../../shared/owned-path.ts';
import { fileSigner } from './file/file-signer.ts';
import { createKeyFile, type KeyFile, readKeyFile } from './file/key-file.ts';
import type { PassphraseSource } from './file/passphrase.ts';
import { findCommandKey } from './held/command-signer.ts';
import {
  type FoundKey,
  type HeldKeyFile,
  type HolderAccess,
  heldKeyFile,
  readHeldKeyFile,
  writeHeldKeyFile,
} from './held/held-key-file.ts';
import { heldSigner } from './held/held-signer.ts';
import { findKmsKey } from './held/kms-signer.ts';
import { findAgentKey } from './held/ssh-agent-signer.ts';
import type { Signer } from './public/signer.ts';

/*
 * A signing key is a file NAME.json in the keys directory of its tree. Its private part is in the
 * file (file/) or elsewhere (held/: ssh-agent, KMS, a command). public/ has the form in which
 * others get it. keyring.ts opens all keys of a directory and selects those that a role needs.
 */

/** A signing key. `document.private.kind` says where its private part is. */
export type SigningKeyFile = KeyFile | HeldKeyFile;

export interface KeyAccess extends HolderAccess {
  readonly passphrase: PassphraseSource;
}

/**
 * Throws KEY_MISSING when the file does not exist, KEY_INVALID when it is broken, FILE_UNSAFE when
 * other users could change it.
 */
export async function readSigningKey(path: string): Promise<SigningKeyFile> {
  const file = (await readHeldKeyFile(path)) ?? (await readKeyFile(path));
  // A key of kind `command` names a program that mm runs.
  requireOwn(path, 'signing key');
  return file;
}

/** Makes the signer. It unlocks, loads or contacts nothing before the first signature. */
export function openSigner(file: SigningKeyFile, access: KeyAccess): Signer {
  return isHeld(file) ? heldSigner(file, access) : fileSigner(file, access.passphrase);
}

function isHeld(file: SigningKeyFile): file is HeldKeyFile {
  const { kind } = file.document.private;
  return kind === 'ssh-agent' || kind === 'kms' || kind === 'command';
}

interface NewHeldKey extends HolderAccess {
  readonly path: string;
  readonly now: Date;
}

export type NewSigningKey =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly now: Date;
      readonly passphrase: string | undefined;
    }
  /** `key`: fingerprint or comment. Without it: the only key that can sign. */
  | (NewHeldKey & { readonly kind: 'ssh-agent'; readonly key?: string | undefined })
  /** `key`: the ARN, or an id or alias in the region of the AWS environment. */
  | (NewHeldKey & { readonly kind: 'kms'; readonly key: string })
  | (NewHeldKey & { readonly kind: 'command'; readonly command: readonly string[] });

/**
 * Makes a key file: with a new key in it, or for a key that is held elsewhere. Throws KEY_MISSING
 * when that key does not exist, KEY_LOCKED when it cannot be used now, KEY_INVALID when hosts
 * cannot verify its kind or when the file exists, USAGE when several keys could be meant.
 */
export async function newKeyFile(wanted: NewSigningKey): Promise<SigningKeyFile> {
  if (wanted.kind === 'file') return await createKeyFile(wanted);
  const file = heldKeyFile(wanted.path, await findKey(wanted), wanted.now);
  // KMS says what a key can do, and the person who makes the file may lack the permission to sign.
  if (wanted.kind !== 'kms') await heldSigner(file, wanted).sign(TRIAL);
  await writeHeldKeyFile(file);
  return file;
}

/** Not a TUF document, so a signature for it cannot be misused. */
const TRIAL = Buffer.from('miyamoto: does this key sign?\n');

function findKey(wanted: Exclude<NewSigningKey, { kind: 'file' }>): Promise<FoundKey> {
  switch (wanted.kind) {
    case 'ssh-agent':
      return findAgentKey(wanted.key, wanted);
    case 'kms':
      return findKmsKey(wanted.key, wanted);
    case 'command':
      return findCommandKey(wanted.command, wanted);
  }
}
