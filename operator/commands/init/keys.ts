import { access } from 'node:fs/promises';
import type { Context } from '../../context.ts';
import { fileSigner } from '../../keys/file/file-signer.ts';
import { createKeyFile, readKeyFile } from '../../keys/file/key-file.ts';
import {
  askNewPassphrase,
  type PassphraseSource,
  passphraseSource,
} from '../../keys/file/passphrase.ts';
import type { Signer } from '../../keys/public/signer.ts';
import { givenPassphrase } from '../../open-tree.ts';
import type { SoloKeys } from './initial-root.ts';
import type { InitOptions } from './plan.ts';
import { keyPaths } from './plan.ts';

/**
 * Prepares the two keys of a tree that one person operates: asks for everything that a person must
 * type, and writes nothing. The function that it returns makes the keys. Keys of an earlier
 * interrupted init are used again. The safe key gets a passphrase, unless mm cannot ask for one.
 * Throws KEY_INVALID, KEY_LOCKED.
 */
export async function prepareKeys(
  context: Context,
  options: InitOptions,
  directory: string,
): Promise<() => Promise<SoloKeys>> {
  const given = givenPassphrase(context, options);
  const source = passphraseSource({ ...given, ask: context.ask });
  const passphrases = newPassphrases(context, options, source);
  const now = new Date(context.now());
  const paths = keyPaths(directory);
  const [safe, operator] = [
    await prepareKey(paths.safe, { source, now, newPassphrase: passphrases.safe }),
    await prepareKey(paths.operator, { source, now, newPassphrase: passphrases.operator }),
  ];
  return async () => ({ safe: await safe(), operator: await operator() });
}

type NewPassphrase = () => Promise<string | undefined>;

function newPassphrases(
  context: Context,
  options: InitOptions,
  source: PassphraseSource,
): { readonly operator: NewPassphrase; readonly safe: NewPassphrase } {
  const none = () => Promise.resolve(undefined);
  if (source.kind === 'given') {
    const read = () => source('of this tree');
    return { operator: read, safe: read };
  }
  if (options.passphrase === true) {
    let answer: Promise<string> | undefined;
    const askOnce = () => {
      answer ??= askNewPassphrase(context.ask, 'Passphrase for the new keys');
      return answer;
    };
    return { operator: askOnce, safe: askOnce };
  }
  if (options.passphrase === undefined && context.ask !== undefined) {
    const question = 'Passphrase for the key that goes into the safe';
    return { operator: none, safe: () => askNewPassphrase(context.ask, question) };
  }
  return {
    operator: none,
    safe() {
      context.notice(
        'the safe key gets no passphrase; everyone who can copy its file can sign a new root',
      );
      return Promise.resolve(undefined);
    },
  };
}

interface Making {
  readonly source: PassphraseSource;
  readonly now: Date;
  readonly newPassphrase: NewPassphrase;
}

async function prepareKey(
  path: string,
  { source, now, newPassphrase }: Making,
): Promise<() => Promise<Signer>> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) {
    const signer = fileSigner(await readKeyFile(path), source);
    await signer.unlock?.();
    return () => Promise.resolve(signer);
  }
  const passphrase = await newPassphrase();
  // The passphrase was typed a moment ago: do not ask for it again.
  const typed = () => Promise.resolve(passphrase ?? '');
  return async () => fileSigner(await createKeyFile({ path, passphrase, now }), typed);
}
