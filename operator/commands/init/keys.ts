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
 * The two keys of a tree that one person operates. Keys of an earlier interrupted init are used
 * again. The safe key gets a passphrase, unless mm cannot ask for one. Throws KEY_INVALID,
 * KEY_LOCKED.
 */
export async function soloKeys(
  context: Context,
  options: InitOptions,
  directory: string,
): Promise<SoloKeys> {
  const given = givenPassphrase(context, options);
  const source = passphraseSource({ ...given, ask: context.ask });
  const passphrases = newPassphrases(context, options, source);
  const now = new Date(context.now());
  const paths = keyPaths(directory);
  // The key that may need a typed passphrase comes first: when the passphrase is mistyped, no file
  // is left behind.
  const safe = await keyAt(paths.safe, { source, now, newPassphrase: passphrases.safe });
  const operator = await keyAt(paths.operator, {
    source,
    now,
    newPassphrase: passphrases.operator,
  });
  return { operator, safe };
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

async function keyAt(path: string, { source, now, newPassphrase }: Making): Promise<Signer> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return fileSigner(await readKeyFile(path), source);
  const passphrase = await newPassphrase();
  // The passphrase was typed a moment ago: do not ask for it again.
  return fileSigner(await createKeyFile({ path, passphrase, now }), () =>
    Promise.resolve(passphrase ?? ''),
  );
}
