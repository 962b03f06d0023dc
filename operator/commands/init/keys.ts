import { access } from 'node:fs/promises';
import { CodedError } from '../../../shared/coded-error.ts';
import type { SoloKeys } from '../../commit/initial-root.ts';
import type { Context } from '../../context.ts';
import { fileSigner, type PassphraseSource } from '../../keys/file-signer.ts';
import { createKeyFile, readKeyFile } from '../../keys/key-file.ts';
import { passphraseSource } from '../../keys/passphrase.ts';
import type { Signer } from '../../keys/signer.ts';
import { givenPassphrase } from '../../open-tree.ts';
import type { InitOptions } from './plan.ts';
import { keyPaths } from './plan.ts';

/**
 * The two keys of a solo operator: those that are there, from an init that was ended half-way, and else new ones. New
 * ones get a passphrase only when somebody said where from. Throws KEY_INVALID, KEY_LOCKED.
 */
export async function soloKeys(
  context: Context,
  options: InitOptions,
  directory: string,
): Promise<SoloKeys> {
  const given = givenPassphrase(context, options);
  const once = askOnce(context);
  const source = passphraseSource({ ...given, ask: context.ask });
  const isGiven = given.file !== undefined || given.fd !== undefined;
  const newPassphrase = async () => {
    if (isGiven) return await source('of this tree');
    return options.passphrase === true ? await once() : undefined;
  };
  const paths = keyPaths(directory);
  const make = { newPassphrase, source, now: new Date(context.now()) };
  return { operator: await keyAt(paths.operator, make), safe: await keyAt(paths.safe, make) };
}

interface Making {
  newPassphrase(): Promise<string | undefined>;
  readonly source: PassphraseSource;
  readonly now: Date;
}

async function keyAt(path: string, { newPassphrase, source, now }: Making): Promise<Signer> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  const file = isThere
    ? await readKeyFile(path)
    : await createKeyFile({ path, passphrase: await newPassphrase(), now });
  return fileSigner(file, source);
}

/** Asks twice for one passphrase, and the same answer counts for both keys. */
function askOnce({ ask }: Context): () => Promise<string> {
  let answer: Promise<string> | undefined;
  return () => {
    answer ??= askTwice(ask);
    return answer;
  };
}

/** Throws KEY_LOCKED without a terminal, and when the two answers differ. */
export async function askTwice(ask: Context['ask']): Promise<string> {
  if (ask === undefined) throw locked('--passphrase needs a terminal to ask on');
  const first = await ask('Passphrase for the new keys: ');
  const second = await ask('The same again: ');
  if (first === '') throw locked('wanted a passphrase, found nothing');
  if (first !== second) throw locked('the two passphrases differ');
  return first;
}

function locked(message: string): CodedError {
  return new CodedError(message, {
    code: 'KEY_LOCKED',
    next: 'mm init again, or give --passphrase-file FILE',
  });
}
